import { type ContentType, readContentType } from './content-type.ts'
import { type Fields, firstOf, readFields } from './fields.ts'

/** A part without parts of its own. `text` is decoded (RFC 2045 §6), one character for each octet, with LF at the ends of lines. */
export type Part = { readonly contentType: ContentType; readonly fields: Fields; readonly text: string }

/** A message in its parts; `fields` are those of its own header section. */
export type ReadMessage = {
  readonly fields: Fields
  readonly contentType: ContentType
  readonly parts: readonly Part[]
}

/** No report says anything beyond this many octets; what it returns whole may be longer. */
const mostRead = 1_048_576
const mostParts = 50
const deepest = 5

/**
 * Cuts a message into its parts, for readers of reports: forgiving, bounded, and never a fault. A message that another one encloses
 * (`message/*`) is one part, since it is what the report is about.
 */
export function readMessage(message: Buffer): ReadMessage {
  const text = message.subarray(0, mostRead).toString('latin1').replaceAll('\r\n', '\n')
  const { fields, rest } = readFields(text)
  const parts: Part[] = []
  collect(fields, rest, parts, 0)
  return { fields, contentType: readContentType(firstOf(fields, 'content-type')), parts }
}

function collect(fields: Fields, body: string, parts: Part[], depth: number): void {
  if (parts.length >= mostParts) return
  const contentType = readContentType(firstOf(fields, 'content-type'))
  const boundary = contentType.parameters.get('boundary') ?? ''
  if (!contentType.type.startsWith('multipart/') || boundary === '' || depth >= deepest) {
    parts.push({ contentType, fields, text: decoded(body, firstOf(fields, 'content-transfer-encoding')) })
    return
  }
  for (const piece of piecesOf(body, boundary)) {
    const { fields: own, rest } = piece.startsWith('\n') ? { fields: none, rest: piece.slice(1) } : readFields(piece)
    collect(own, rest, parts, depth + 1)
  }
}

const none: Fields = new Map()

/** What stands between the delimiter lines (RFC 2046 §5.1.1); what is before the first and behind the last is nobody's. */
function piecesOf(body: string, boundary: string): readonly string[] {
  const delimiter = `--${boundary}`
  const pieces: string[] = []
  let from = -1
  let at = 0
  while (at <= body.length && pieces.length < mostParts) {
    const end = body.indexOf('\n', at)
    const stop = end === -1 ? body.length : end
    if (body.startsWith(delimiter, at)) {
      const behind = body.slice(at + delimiter.length, Math.min(stop, at + delimiter.length + 100)).trimEnd()
      if (behind === '' || behind === '--') {
        if (from !== -1) pieces.push(body.slice(from, Math.max(from, at - 1)))
        from = behind === '' ? stop + 1 : -1
        if (behind === '--') return pieces
      }
    }
    if (end === -1) break
    at = stop + 1
  }
  if (from !== -1 && from < body.length) pieces.push(body.slice(from))
  return pieces
}

function decoded(text: string, coding: string | null): string {
  switch (coding?.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(text, 'base64').toString('latin1').replaceAll('\r\n', '\n')
    case 'quoted-printable':
      return text
        .replace(/[ \t]{0,80}=[ \t]{0,80}\n/g, (soft) => soft.slice(0, soft.indexOf('=')))
        .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    default:
      return text
  }
}

/** Text of octets as people would read it: UTF-8 where it is that. */
export function asText(octets: string): string {
  return /[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets
}
