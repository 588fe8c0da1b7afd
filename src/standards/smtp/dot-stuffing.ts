import { findLineEndingFault } from './line-endings.ts'

const LF = 0x0a
const CR = 0x0d
const dot = 0x2e
const lineFeedDot = Buffer.from('\n.')

/** What ends the data of a message whose last line is complete (RFC 5321 §4.1.1.4). */
const endOfData = Buffer.from('.\r\n')

/**
 * Doubles the dot that begins a line (RFC 5321 §4.5.2), chunk by chunk, wherever a chunk is cut. It asserts what ingress has
 * proved, so that no bare CR, bare LF or NUL can leave by it whatever went wrong in between: such input throws. Chunks without such a
 * dot pass through uncopied.
 */
export class DotStuffer {
  #afterCr = false
  #atLineStart = true

  /** The chunk as it goes on the wire. Throws on a bare CR, a bare LF or a NUL. */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const startsLine = this.#atLineStart && chunk[0] === dot
    if (findLineEndingFault(chunk, 0, chunk.length, this.#afterCr) !== -1) throw bareLineEnding()
    const wire = stuff(chunk, startsLine)
    this.#afterCr = chunk[chunk.length - 1] === CR
    this.#atLineStart = chunk[chunk.length - 1] === LF
    return wire
  }

  /** The end of the data. Throws when the last line is not complete. */
  end(): Buffer {
    if (!this.#atLineStart) throw bareLineEnding()
    return endOfData
  }
}

/** A whole message as the octets that follow 354: stuffed, and ended by `.` on a line of its own. Throws as `DotStuffer` does. */
export function* stuffDots(chunks: Iterable<Buffer>): Generator<Buffer> {
  const stuffer = new DotStuffer()
  for (const chunk of chunks) {
    if (chunk.length > 0) yield stuffer.push(chunk)
  }
  yield stuffer.end()
}

function stuff(chunk: Buffer, startsLine: boolean): Buffer {
  let count = startsLine ? 1 : 0
  const first = chunk.indexOf(lineFeedDot)
  for (let at = first; at !== -1; at = chunk.indexOf(lineFeedDot, at + 2)) count++
  if (count === 0) return chunk
  const wire = Buffer.allocUnsafe(chunk.length + count)
  let written = 0
  let from = 0
  if (startsLine) wire[written++] = dot
  for (let at = first; at !== -1; at = chunk.indexOf(lineFeedDot, at + 2)) {
    written += chunk.copy(wire, written, from, at + 1)
    wire[written++] = dot
    from = at + 1
  }
  chunk.copy(wire, written, from)
  return wire
}

function bareLineEnding(): Error {
  return new Error('outbound data breaks the line discipline: a bare CR, a bare LF, a NUL or an unfinished last line')
}
