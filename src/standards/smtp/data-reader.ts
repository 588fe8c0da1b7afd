import { isAscii } from 'node:buffer'
import { EndOfDataSearch } from './end-of-data.ts'
import { Pieces } from './pieces.ts'

export type DataLimits = {
  /** Octets of header, empty line and body, dots unstuffed. */
  readonly maxMessageBytes: number
  readonly maxHeaderBytes: number
  readonly maxHeaderFields: number
}

/** The body hash that is computed as the body goes by. */
export interface BodyHash {
  update(chunk: Buffer): void
  digest(): Buffer
}

/** Where several apply, the first in this list is the one reported. */
export type DataFault =
  /** A bare CR, a bare LF or a NUL. */
  | { readonly kind: 'line-endings' }
  | { readonly kind: 'message-too-big'; readonly limit: number }
  | { readonly kind: 'message-malformed'; readonly reason: string }
  /** Whoever reads gave up on it: `DataReader.abandon`. */
  | { readonly kind: 'abandoned' }

export type DataOutcome =
  | {
      readonly kind: 'message'
      /** The header section with the CRLF of its last field, without the empty line. */
      readonly header: Buffer
      readonly body: readonly Buffer[]
      readonly size: number
      readonly bodyHash: Buffer
      readonly eightBit: boolean
    }
  | {
      readonly kind: 'fault'
      readonly fault: DataFault
      /** False where the end of the data was not reached: whatever comes next can not be told from data. */
      readonly drained: boolean
    }

const NUL = 0x00
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const DOT = 0x2e

/** What the octets so far end in; `ended` after CRLF.CRLF, `broken` once a line ending was not one. */
type State = 'line-start' | 'line-start-cr' | 'dot' | 'dot-cr' | 'text' | 'text-cr' | 'ended' | 'broken'

/**
 * Reads what follows 354, from raw octets cut anywhere, up to CRLF.CRLF and nothing else (RFC 5321 §4.1.1.4). It removes the dot that
 * begins a line once (§4.5.2), splits header section and body at the first empty line and hashes the body, in one pass. Any line ending
 * that another server could read differently is a fault; so is what exceeds a limit. After a fault nothing is kept: the rest is discarded up
 * to CRLF.CRLF, or until twice the largest message was discarded.
 */
export class DataReader {
  readonly #limits: DataLimits
  readonly #bodyHash: BodyHash
  readonly #header = new Pieces()
  readonly #body = new Pieces()
  readonly #search = new EndOfDataSearch()
  #state: State = 'line-start'
  #inBody = false
  #fields = 0
  #headerSize = 0
  #size = 0
  #eightBit = false
  #fault: DataFault | null = null
  #discarded = 0
  #outcome: DataOutcome | null = null
  /** In the chunk at hand, what will be delivered is `[#outFrom, #outTo)`, followed by what is scanned from `#kept` on. */
  #outFrom = 0
  #outTo = 0
  #kept = 0

  constructor(limits: DataLimits, bodyHash: BodyHash) {
    this.#limits = limits
    this.#bodyHash = bodyHash
  }

  /** Octets of message held in memory. */
  get held(): number {
    return this.#fault === null ? this.#size : 0
  }

  /** What was read, or null while the end has not been reached. */
  get outcome(): DataOutcome | null {
    return this.#outcome
  }

  /** Lets go of what was read: the message will not be taken, and the rest of its data is only to be got past. */
  abandon(): void {
    this.#drop()
    this.#fault ??= { kind: 'abandoned' }
  }

  /**
   * Takes the next octets and owns them from then on: dots are removed in place. Returns how many belong to the data when its end, or the
   * bound on discarding, is reached; -1 when more is needed.
   */
  push(chunk: Buffer): number {
    if (this.#outcome !== null) throw new Error('the data has ended')
    if (this.#state === 'broken') return this.#discard(chunk, 0)
    this.#outFrom = this.#outTo = this.#kept = 0
    let at = 0
    while (at < chunk.length && this.#state !== 'ended') {
      at = this.#step(chunk, at)
      if (this.#isBroken()) return this.#discard(chunk, at)
    }
    this.#keepUpTo(chunk, at)
    this.#deliver(chunk)
    if (this.#isEnded()) return this.#finish(at)
    return this.#fault === null ? -1 : this.#countDiscarded(this.#fault, chunk.length)
  }

  #isBroken(): boolean {
    return this.#state === 'broken'
  }

  #isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Looks at the octet at `at`, and in text at all up to the next control character; returns where to look next. */
  #step(chunk: Buffer, at: number): number {
    const octet = chunk[at] as number
    switch (this.#state) {
      case 'text':
        return this.#text(chunk, at)
      case 'text-cr':
        return this.#expectLineFeed(octet, at, 'line-start')
      case 'line-start':
        return this.#lineStart(chunk, at, octet)
      case 'line-start-cr': {
        const next = this.#expectLineFeed(octet, at, 'line-start')
        if (next > at) this.#endHeader(chunk, next)
        return next
      }
      case 'dot':
        if (octet !== CR) return this.#startText(octet, at)
        this.#state = 'dot-cr'
        return (this.#kept = at + 1)
      case 'dot-cr': {
        const next = this.#expectLineFeed(octet, at, 'ended')
        if (next > at) this.#kept = next
        return next
      }
      case 'ended':
      case 'broken':
        return at
    }
  }

  #text(chunk: Buffer, from: number): number {
    const end = chunk.length
    let at = from
    while (at < end && (chunk[at] as number) > CR) at++
    if (at === end) return end
    const octet = chunk[at]
    if (octet === CR) this.#state = 'text-cr'
    else if (octet === LF || octet === NUL) {
      this.#state = 'broken'
      return at
    }
    return at + 1
  }

  /** Behind a CR: anything but a LF breaks the data at this octet. */
  #expectLineFeed(octet: number, at: number, next: State): number {
    this.#state = octet === LF ? next : 'broken'
    return octet === LF ? at + 1 : at
  }

  #lineStart(chunk: Buffer, at: number, octet: number): number {
    if (octet === DOT) {
      this.#keepUpTo(chunk, at)
      this.#kept = at + 1
      this.#state = 'dot'
      return at + 1
    }
    if (octet !== CR) return this.#startText(octet, at)
    if (this.#inBody) {
      this.#state = 'text-cr'
      return at + 1
    }
    // Perhaps the empty line, which belongs to neither part: its CR must not be delivered before that is known.
    this.#keepUpTo(chunk, at)
    this.#kept = at + 1
    this.#state = 'line-start-cr'
    return at + 1
  }

  #startText(octet: number, at: number): number {
    this.#state = 'text'
    if (!this.#inBody && octet !== SPACE && octet !== TAB && ++this.#fields > this.#limits.maxHeaderFields) {
      this.#malformed(`the header section has more than ${this.#limits.maxHeaderFields} fields`)
    }
    return at
  }

  #endHeader(chunk: Buffer, next: number): void {
    this.#deliver(chunk)
    if (this.#headerSize === 0) this.#malformed('there is no header section')
    this.#inBody = true
    this.#grow(2)
    this.#outFrom = this.#outTo = this.#kept = next
  }

  /** Moves what was scanned since the last removed octet up to what will be delivered. */
  #keepUpTo(chunk: Buffer, end: number): void {
    if (this.#kept !== this.#outTo) chunk.copyWithin(this.#outTo, this.#kept, end)
    this.#outTo += end - this.#kept
    this.#kept = end
  }

  #deliver(chunk: Buffer): void {
    if (this.#outFrom === this.#outTo) return
    const piece = chunk.subarray(this.#outFrom, this.#outTo)
    if (!this.#inBody) this.#headerSize += piece.length
    if (this.#headerSize > this.#limits.maxHeaderBytes) {
      this.#malformed(`the header section is longer than ${this.#limits.maxHeaderBytes} octets`)
    }
    this.#grow(piece.length)
    if (this.#fault !== null) return
    this.#eightBit ||= !isAscii(piece)
    if (!this.#inBody) {
      this.#header.append(piece)
      return
    }
    this.#bodyHash.update(piece)
    this.#body.append(piece)
  }

  #grow(octets: number): void {
    this.#size += octets
    if (this.#size > this.#limits.maxMessageBytes) {
      this.#fail({ kind: 'message-too-big', limit: this.#limits.maxMessageBytes })
    }
  }

  #malformed(reason: string): void {
    if (this.#fault === null) this.#fail({ kind: 'message-malformed', reason })
  }

  #fail(fault: DataFault): void {
    this.#fault = fault
    this.#drop()
  }

  #drop(): void {
    this.#header.take()
    this.#body.take()
  }

  #finish(end: number): number {
    if (this.#headerSize === 0) this.#malformed('there is no header section')
    this.#outcome =
      this.#fault === null
        ? {
            kind: 'message',
            header: joined(this.#header.take()),
            body: this.#body.take(),
            size: this.#size,
            bodyHash: this.#bodyHash.digest(),
            eightBit: this.#eightBit,
          }
        : { kind: 'fault', fault: this.#fault, drained: true }
    return end
  }

  #discard(chunk: Buffer, from: number): number {
    const fault: DataFault = { kind: 'line-endings' }
    this.#fail(fault)
    const end = this.#search.find(chunk, from)
    if (end === -1) return this.#countDiscarded(fault, chunk.length)
    this.#outcome = { kind: 'fault', fault, drained: true }
    return end
  }

  #countDiscarded(fault: DataFault, octets: number): number {
    this.#discarded += octets
    if (this.#discarded <= 2 * this.#limits.maxMessageBytes) return -1
    this.#outcome = { kind: 'fault', fault, drained: false }
    return octets
  }
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces
  return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces)
}
