import type { SyntaxFault } from '../../../standards/fault.ts'
import { type HeaderSection, scanHeaderSection } from '../../../standards/message/header-section.ts'

const LF = 10
const CR = 13

/** A message as it goes over the wire: a stored copy often has bare LF, and signatures are over CRLF (RFC 6376 §5.3). */
export function withLineEnds(stored: Buffer): Buffer {
  let bare = 0
  for (let at = stored.indexOf(LF); at !== -1; at = stored.indexOf(LF, at + 1)) if (stored[at - 1] !== CR) bare++
  if (bare === 0) return stored
  const wire = Buffer.allocUnsafe(stored.length + bare)
  let from = 0
  let to = 0
  for (let at = stored.indexOf(LF); at !== -1; at = stored.indexOf(LF, at + 1)) {
    to += stored.copy(wire, to, from, at)
    if (stored[at - 1] !== CR) wire[to++] = CR
    wire[to++] = LF
    from = at + 1
  }
  stored.copy(wire, to, from)
  return wire
}

/** Cuts a message at the empty line (RFC 5322 §2.1). Without one it is all header section. */
export function cutMessage(message: Buffer): { readonly section: HeaderSection | SyntaxFault; readonly body: Buffer } {
  const end = message.indexOf('\r\n\r\n')
  const section = scanHeaderSection(end === -1 ? endedLine(message) : message.subarray(0, end + 2))
  return { section, body: end === -1 ? message.subarray(message.length) : message.subarray(end + 4) }
}

/** A file may stop in the middle of its last header line. */
function endedLine(header: Buffer): Buffer {
  return header.length === 0 || header.at(-1) === LF ? header : Buffer.concat([header, Buffer.from('\r\n')])
}
