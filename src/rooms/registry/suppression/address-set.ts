import type { AddressKey } from './address.ts'

const leastSlots = 1024
/** Above this part of its slots a table is made twice as large. */
const fullest = 0.7
const forEver = 0xffff_ffff

/**
 * Keys and the second until which each counts, in three flat arrays: 12 octets a slot, so some 25 MB for a million addresses and nothing for
 * the garbage collector to walk through.
 */
export class AddressSet {
  #high = new Uint32Array(leastSlots)
  #low = new Uint32Array(leastSlots)
  /** 0 in a slot that is free. */
  #until = new Uint32Array(leastSlots)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @param until milliseconds since the epoch; null: for ever. */
  set(key: AddressKey, until: number | null): void {
    if (this.#size + 1 > this.#until.length * fullest) this.#grow()
    const at = this.#slotOf(key)
    if (this.#until[at] === 0) this.#size++
    this.#put(
      at,
      key.high,
      key.low,
      until === null ? forEver : Math.min(Math.max(Math.ceil(until / 1000), 1), forEver - 1),
    )
  }

  delete(key: AddressKey): void {
    const slots = this.#until.length
    let hole = this.#slotOf(key)
    if (this.#until[hole] === 0) return
    this.#size--
    // What was pushed on by the one that goes moves back, so that no search ends at the hole.
    for (let at = (hole + 1) % slots; this.#until[at] !== 0; at = (at + 1) % slots) {
      const home = this.#low[at]! % slots
      const isBetween = hole <= at ? hole < home && home <= at : hole < home || home <= at
      if (isBetween) continue
      this.#put(hole, this.#high[at]!, this.#low[at]!, this.#until[at]!)
      hole = at
    }
    this.#until[hole] = 0
  }

  /** Whether the key is there and still counts at `now` (milliseconds since the epoch). */
  has(key: AddressKey, now: number): boolean {
    const until = this.#until[this.#slotOf(key)]!
    return until === forEver || until * 1000 > now
  }

  /** Where the key is, or where it would go. */
  #slotOf({ high, low }: AddressKey): number {
    const slots = this.#until.length
    let at = low % slots
    while (this.#until[at] !== 0 && (this.#low[at] !== low || this.#high[at] !== high)) at = (at + 1) % slots
    return at
  }

  #put(at: number, high: number, low: number, until: number): void {
    this.#high[at] = high
    this.#low[at] = low
    this.#until[at] = until
  }

  #grow(): void {
    const [high, low, until] = [this.#high, this.#low, this.#until]
    const slots = until.length * 2
    this.#high = new Uint32Array(slots)
    this.#low = new Uint32Array(slots)
    this.#until = new Uint32Array(slots)
    for (let at = 0; at < until.length; at++) {
      if (until[at] === 0) continue
      this.#put(this.#slotOf({ high: high[at]!, low: low[at]! }), high[at]!, low[at]!, until[at]!)
    }
  }
}
