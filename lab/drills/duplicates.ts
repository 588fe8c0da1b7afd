import { defaultDelivery } from '../../src/path/delivery/settings.ts'
import type { Receiver } from './receiver.ts'

/** Copies beyond the first, by the death of the relay that caused them. */
export type Duplicates = {
  /** Second copies that came although the relay lived on. */
  readonly within: number
  /** Deaths that caused some. */
  readonly deaths: number
  /** The most that one death caused. */
  readonly most: number
  /** The longest time between the receiver's 250 and the death that undid it, in milliseconds. */
  readonly longestMs: number
}

/**
 * How long after the receiver's 250 a delivery may at most be unwritten, in milliseconds. It waits for one group commit, or two; the rest is
 * for a machine that is busy with other things.
 */
const writtenWithinMs = 2_000

/** Attributes each second copy to the end of the life in which the one before came. */
export function countDuplicates({ copies, endedAt }: Receiver): Duplicates {
  const byLife = new Map<number, number>()
  let [within, longestMs] = [0, 0]
  for (const all of copies.values()) {
    for (const [at, copy] of all.entries()) {
      const before = all[at - 1]
      if (before === undefined) continue
      if (before.life === copy.life) {
        within += 1
        continue
      }
      byLife.set(before.life, (byLife.get(before.life) ?? 0) + 1)
      longestMs = Math.max(longestMs, (endedAt[before.life] ?? Infinity) - before.at)
    }
  }
  return { within, deaths: byLife.size, most: Math.max(0, ...byLife.values()), longestMs }
}

/** Only what was being delivered at a kill may come twice: no more than delivery has in its hands, and nothing that was done before. */
export function duplicateFaults({ within, most, longestMs }: Duplicates): readonly string[] {
  const faults: string[] = []
  const { messages } = defaultDelivery
  if (within > 0) faults.push(`${within} messages were sent twice though the relay lived on`)
  if (most > messages)
    faults.push(`one kill caused ${most} duplicates, more than the ${messages} that delivery has in its hands`)
  if (longestMs > writtenWithinMs)
    faults.push(`a delivery was still not written down ${Math.round(longestMs)} ms after the receiver's 250`)
  return faults
}
