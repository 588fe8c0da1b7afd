import type { Rate } from './profiles.ts'

/** The part of a rate that may go at once after a rest. */
const burstPart = 10

/**
 * The pace of messages on one lane, as a bucket of tokens kept in one number: when the bucket would be full. No span as long as the
 * rate's own holds more messages than the rate says, wherever the span begins.
 */
export class Pace {
  #fullAt = -Infinity
  /** Up to when messages that were sent away were told to come back. */
  #promisedUntil = -Infinity

  /** Takes a place for one message, or answers how many milliseconds there is none; 0 when it may go. */
  take(rate: Rate, now: number): number {
    const { gap, burst } = shapeOf(rate)
    const from = Math.max(this.#fullAt, now)
    const wait = from - burst - now
    if (wait > 0) return Math.ceil(wait)
    this.#fullAt = from + gap
    return 0
  }

  /**
   * When one who found no place shall come back, in milliseconds since the epoch: each a place later than the one before, so that they
   * do not all return at once to find one place.
   */
  promise(rate: Rate, now: number): number {
    const { gap, burst } = shapeOf(rate)
    const next = Math.max(this.#fullAt - burst, now)
    this.#promisedUntil = Math.min(Math.max(this.#promisedUntil + gap, next), now + longestPromise)
    return Math.ceil(this.#promisedUntil)
  }

  /** Whether some were told to come back who have not had their turn: who has just come does not go before them. */
  hasPromised(now: number): boolean {
    return this.#promisedUntil > now
  }

  /** Whether it remembers nothing that matters. */
  isIdle(now: number): boolean {
    return this.#fullAt <= now && this.#promisedUntil <= now
  }
}

/** Milliseconds; a queue that is longer comes back to ask again. */
const longestPromise = 3_600_000

/** The first token and those of the burst count too: `burst / gap` of them, and one for each gap of the span that is left. */
function shapeOf({ messages, per }: Rate): { readonly gap: number; readonly burst: number } {
  const atOnce = Math.max(1, Math.floor(messages / burstPart))
  const gap = per / (messages - atOnce + 1)
  return { gap, burst: (atOnce - 1) * gap }
}
