/** Chance that can be repeated: the same seed gives the same numbers. */
export class Chance {
  #state: number

  /** @param seed any number; only its 32 low bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 32 bits, by Steele and Vigna's mix of a counter (splitmix32). */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  /** From 0 up to but not including 1. */
  share(): number {
    return this.bits() / 0x1_0000_0000
  }

  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number {
    return Math.floor(this.share() * end)
  }

  /** True in this share of cases. */
  happens(share: number): boolean {
    return this.share() < share
  }

  pick<T>(all: readonly T[]): T {
    const one = all[this.below(all.length)]
    if (one === undefined) throw new Error('there is nothing to pick from')
    return one
  }
}

/** A seed made of a seed and words or numbers, so that each part of a run has chances of its own. */
export function seedOf(seed: number, ...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5 ^ seed
  for (const part of parts) {
    for (const letter of `${part}/`) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  }
  return hash >>> 0
}
