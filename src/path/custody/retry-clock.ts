/** Milliseconds throughout. Only answers of the destination count here; a fault of ours has its own, short clock. */
export type RetrySettings = {
  readonly first: number
  readonly factor: number
  readonly max: number
  readonly giveUpAfter: number
}

/** RFC 5321 §4.5.4.1: give-up time of 4 to 5 days. Its retry interval of 30 minutes is met on average; the first tries come sooner. */
export const defaultRetry: RetrySettings = { first: 60_000, factor: 2, max: 4 * 3_600_000, giveUpAfter: 5 * 86_400_000 }

/** The share of the delay by which it may be shorter or longer, so that what failed together does not come back together. */
const jitter = 0.1

/**
 * How long to wait after a number of attempts that failed, in milliseconds.
 * `random` is in [0, 1), as of Math.random.
 */
export function nextAttempt(attempts: number, settings: RetrySettings, random: number): number {
  const steps = Math.max(0, attempts - 1)
  const steady = Math.min(settings.max, settings.first * settings.factor ** steps)
  return Math.round(steady * (1 - jitter + 2 * jitter * random))
}

/** Whether a message that arrived then is to be given up instead of being tried again at `nextAt`. */
export function isGivenUp(arrivedAt: number, nextAt: number, settings: RetrySettings): boolean {
  return nextAt - arrivedAt >= settings.giveUpAfter
}
