import { createHash, type Hash } from 'node:crypto'

/** Where a canonicaliser puts canonical octets. A plain `Hash` is one. */
export type OctetSink = { update(octets: Buffer): unknown; digest(): Buffer }

/** SHA-256 of octets, and of as many of their prefixes as are marked beforehand, in one pass (`l=` of RFC 6376 §3.5). */
export class PrefixHash implements OctetSink {
  readonly #hash: Hash = createHash('sha256')
  readonly #digests = new Map<number, Buffer>()
  #marks: number[] = []
  #octets = 0

  /** Octets taken so far. */
  get octets(): number {
    return this.#octets
  }

  /** Asks for the hash of the first so many octets; before any of them comes. */
  mark(octets: number): void {
    if (!this.#marks.includes(octets)) this.#marks = [...this.#marks, octets].toSorted((a, b) => a - b)
  }

  update(octets: Buffer): void {
    let rest = octets
    for (let next = this.#marks[0]; next !== undefined && next <= this.#octets + rest.length; next = this.#marks[0]) {
      const length = next - this.#octets
      this.#take(rest.subarray(0, length))
      rest = rest.subarray(length)
      this.#digests.set(next, this.#hash.copy().digest())
      this.#marks.shift()
    }
    this.#take(rest)
  }

  /** The hash of everything. Call it once, at the end. */
  digest(): Buffer {
    this.update(Buffer.alloc(0))
    return this.#hash.digest()
  }

  /** The hash of the first so many octets, or null when there were not so many. */
  digestOf(octets: number): Buffer | null {
    return this.#digests.get(octets) ?? null
  }

  #take(octets: Buffer): void {
    this.#hash.update(octets)
    this.#octets += octets.length
  }
}
