import type { RetrySettings } from './settings.ts'

/** What to do with a recipient after an attempt that its destination did not finish. */
export type RetryVerdict = { readonly kind: 'again'; readonly dueAt: number } | { readonly kind: 'expired' }

/**
 * When to try again after the attempt number `attempts` (from 1) failed at `now`. The wait grows by `factor` up to `max` and is
 * shortened or lengthened by up to a fifth, so that what failed together does not return together. The last attempt is made when
 * the time is up (`giveUpAfter` behind the arrival), and only its failure is the end.
 * @param random a number from 0 up to but not including 1.
 */
export function nextAttempt(
  settings: RetrySettings,
  attempts: number,
  arrivedAt: number,
  now: number,
  random: number,
): RetryVerdict {
  const deadline = arrivedAt + settings.giveUpAfter
  if (now >= deadline) return { kind: 'expired' }
  const wait = Math.min(settings.max, settings.first * settings.factor ** Math.max(0, Math.min(attempts - 1, 60)))
  const dueAt = Math.round(now + wait * (0.8 + 0.4 * random))
  return { kind: 'again', dueAt: Math.min(Math.max(dueAt, now + 1), deadline) }
}

/**
 * The wait after the fault number `tries` (from 0) of ours, in milliseconds: from 100 up to 5,000. It belongs to no destination's clock.
 */
export function faultWait(tries: number, random: number): number {
  return Math.min(5_000, 100 * 2 ** Math.min(tries, 10)) * (0.8 + 0.4 * random)
}
