import type { Chance } from './chance.ts'

/** One reader of hostile octets, and what must hold whatever they are. */
export type Target = {
  readonly name: string
  /** Its part of all inputs, as a weight. */
  readonly weight: number
  /** Well-formed inputs, as latin1 text: each character is an octet. */
  readonly seeds: readonly string[]
  /** Texts that mean something to this reader: they are put in. */
  readonly words: readonly string[]
  /** Inputs are cut to this many octets. */
  readonly longest: number
  /** Reads the input and throws where an invariant does not hold; anything else that it throws is a finding too. */
  check(input: Buffer, chance: Chance): void
}

/** An invariant that an input broke. */
class Broken extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Broken'
  }
}

export function must(holds: boolean, invariant: string): asserts holds {
  if (!holds) throw new Broken(invariant)
}

/** The input in pieces, cut anywhere. */
export function cut(input: Buffer, chance: Chance): readonly Buffer[] {
  const pieces: Buffer[] = []
  const most = chance.pick([1, 3, 20, input.length + 1])
  for (let at = 0; at < input.length;) {
    const end = Math.min(input.length, at + 1 + chance.below(most))
    // A reader may own, and change, what it is given.
    pieces.push(Buffer.from(input.subarray(at, end)))
    at = end
  }
  return pieces
}
