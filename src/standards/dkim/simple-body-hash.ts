import { createHash } from 'node:crypto'
import type { OctetSink } from './prefix-hash.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d

const lineEnds = Buffer.from('\r\n'.repeat(2048))
const returnAlone = Buffer.from('\r')

/**
 * SHA-256 of a body under simple canonicalisation (RFC 6376 §3.4.3), fed in chunks cut anywhere. Only CR LF ends a line; a lone CR or LF
 * is content. Linear in the input, with constant memory.
 */
export class SimpleBodyHash {
  readonly #sink: OctetSink
  /** Line ends since the last content; they count only when more content follows. */
  #pendingBreaks = 0
  #pendingReturn = false

  constructor(sink: OctetSink = createHash('sha256')) {
    this.#sink = sink
  }

  update(chunk: Buffer): void {
    if (chunk.length === 0) return
    let start = 0
    if (this.#pendingReturn) {
      this.#pendingReturn = false
      if (chunk[0] === lineFeed) {
        this.#pendingBreaks++
        start = 1
      } else {
        this.#putPending()
        this.#sink.update(returnAlone)
      }
    }
    let end = chunk.length
    if (end > start && chunk[end - 1] === carriageReturn) {
      this.#pendingReturn = true
      end--
    }
    let breaks = 0
    while (end - start >= 2 && chunk[end - 1] === lineFeed && chunk[end - 2] === carriageReturn) {
      breaks++
      end -= 2
    }
    if (end > start) {
      this.#putPending()
      this.#sink.update(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
    }
    this.#pendingBreaks += breaks
  }

  /** The hash of all that was fed. Call it once, at the end. */
  digest(): Buffer {
    if (this.#pendingReturn) {
      this.#putPending()
      this.#sink.update(returnAlone)
    }
    this.#sink.update(lineEnds.subarray(0, 2))
    return this.#sink.digest()
  }

  #putPending(): void {
    for (let octets = this.#pendingBreaks * 2; octets > 0; octets -= lineEnds.length) {
      this.#sink.update(octets >= lineEnds.length ? lineEnds : lineEnds.subarray(0, octets))
    }
    this.#pendingBreaks = 0
  }
}
