import { type SyntaxFault, syntaxFault } from '../../standards/fault.ts'
import { crockfordDigits, timeOfId } from '../../standards/names/time-ordered-id.ts'
import type { DecisionId } from './decision.ts'

const shape = /^[0-9a-hjkmnp-tv-z]{16}$/

/** How many tails one millisecond of one shard has. */
export const tailsPerMillisecond = 32 ** 5

/** `now` in milliseconds since the epoch, `shard` below 1024, `tail` below `tailsPerMillisecond`; what is beyond wraps. */
export function newDecisionId(now: number, shard: number, tail: number): DecisionId {
  return `${base32(now, 9)}${base32(shard, 2)}${base32(tail, 5)}` as DecisionId
}

/** Reads an id as a person or a peer writes it; case does not matter. */
export function parseDecisionId(text: string): DecisionId | SyntaxFault {
  const lower = text.toLowerCase()
  return shape.test(lower)
    ? (lower as DecisionId)
    : syntaxFault('a decision id is 16 letters and digits, without i, l, o and u')
}

/** Milliseconds since the epoch at which the id was made. */
export function timeOfDecisionId(id: DecisionId): number {
  return timeOfId(id)
}

/** The shard that made the id, in which the message is. */
export function shardOfDecisionId(id: DecisionId): number {
  return crockfordDigits.indexOf(id[9] ?? '') * 32 + crockfordDigits.indexOf(id[10] ?? '')
}

/**
 * Makes the ids of one shard: each sorts after the one before, even when the clock steps back or a millisecond holds many.
 * A millisecond's tail starts at chance, so that an incarnation that is restarted within it does not repeat the last one's ids.
 */
export class DecisionIds {
  readonly #now: () => number
  readonly #shard: number
  readonly #chance: () => number
  #last = -1
  #tail = 0

  /** `now` gives milliseconds since the epoch; `chance` a number from 0 up to but not including 1. */
  constructor(now: () => number, shard: number, chance: () => number) {
    this.#now = now
    this.#shard = shard
    this.#chance = chance
  }

  next(): DecisionId {
    const now = Math.max(this.#now(), this.#last)
    this.#tail += 1
    if (now > this.#last || this.#tail >= tailsPerMillisecond) {
      this.#last = now > this.#last ? now : now + 1
      this.#tail = Math.floor((this.#chance() * tailsPerMillisecond) / 2)
    }
    return newDecisionId(this.#last, this.#shard, this.#tail)
  }
}

function base32(value: number, width: number): string {
  let rest = Math.floor(value)
  let text = ''
  for (let place = 0; place < width; place++) {
    text = (crockfordDigits[rest % 32] ?? '0') + text
    rest = Math.floor(rest / 32)
  }
  return text
}
