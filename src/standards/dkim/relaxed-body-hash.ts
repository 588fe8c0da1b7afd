import { createHash } from 'node:crypto'
import type { OctetSink } from './prefix-hash.ts'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20

/** Scratch space of one `update` or `digest` call; nothing lives in it between calls. */
const output = Buffer.allocUnsafeSlow(16_384)

/** Runs at least this long go to the hash where they lie; a copy would cost more than the call. */
const directRun = 1024

/**
 * SHA-256 of a body under relaxed canonicalisation (RFC 6376 §3.4.4), fed in chunks cut anywhere. Only CR LF ends a line;
 * a lone CR or LF is content. Linear in the input, with constant memory.
 */
export class RelaxedBodyHash {
  readonly #hash: OctetSink
  #filled = 0
  #hasContent = false
  /** Line ends seen since the last content; they count only when more content follows. */
  #pendingBreaks = 0
  #pendingSpace = false
  #pendingReturn = false

  constructor(sink: OctetSink = createHash('sha256')) {
    this.#hash = sink
  }

  update(chunk: Buffer): void {
    const end = chunk.length
    let at = 0
    while (at < end) {
      const octet = chunk[at]
      if (this.#pendingReturn) {
        this.#pendingReturn = false
        if (octet === lineFeed) {
          this.#pendingSpace = false
          this.#pendingBreaks++
          at++
          continue
        }
        this.#emitPending()
        this.#put(carriageReturn)
      }
      if (octet === carriageReturn) {
        this.#pendingReturn = true
        at++
      } else if (octet === space || octet === tab) {
        this.#pendingSpace = true
        at++
      } else {
        const runEnd = canonicalRunEnd(chunk, at)
        this.#emitPending()
        this.#append(chunk, at, runEnd)
        at = runEnd
      }
    }
    this.#flush()
  }

  /** The hash of all that was fed. Call it once, at the end. */
  digest(): Buffer {
    if (this.#pendingReturn) {
      this.#emitPending()
      this.#put(carriageReturn)
    }
    if (this.#hasContent) {
      this.#put(carriageReturn)
      this.#put(lineFeed)
    }
    this.#flush()
    return this.#hash.digest()
  }

  #emitPending(): void {
    for (; this.#pendingBreaks > 0; this.#pendingBreaks--) {
      this.#put(carriageReturn)
      this.#put(lineFeed)
    }
    if (this.#pendingSpace) {
      this.#pendingSpace = false
      this.#put(space)
    }
    this.#hasContent = true
  }

  #put(octet: number): void {
    if (this.#filled === output.length) this.#flush()
    output[this.#filled++] = octet
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const length = end - start
    if (length >= directRun) {
      this.#flush()
      this.#hash.update(chunk.subarray(start, end))
      return
    }
    if (this.#filled + length > output.length) this.#flush()
    if (length > 64) {
      chunk.copy(output, this.#filled, start, end)
    } else {
      for (let from = start, to = this.#filled; from < end; from++, to++) output[to] = chunk[from] as number
    }
    this.#filled += length
  }

  #flush(): void {
    if (this.#filled === 0) return
    this.#hash.update(output.subarray(0, this.#filled))
    this.#filled = 0
  }
}

/** Where the octets from `start` (which is content) stop being equal to their canonical form, or the chunk ends. */
function canonicalRunEnd(chunk: Buffer, start: number): number {
  const end = chunk.length
  let at = start + 1
  while (at < end) {
    const octet = chunk[at] as number
    if (octet > space) {
      at++
    } else if (octet === space) {
      if (at + 1 >= end || !isContent(chunk[at + 1] as number)) return at
      at += 2
    } else if (octet === carriageReturn) {
      if (at + 2 >= end || chunk[at + 1] !== lineFeed || !isContent(chunk[at + 2] as number)) return at
      at += 3
    } else if (octet === tab) {
      return at
    } else {
      at++
    }
  }
  return end
}

function isContent(octet: number): boolean {
  return octet !== space && octet !== tab && octet !== carriageReturn
}
