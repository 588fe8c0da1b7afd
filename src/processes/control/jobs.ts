import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import type { Ledger } from '../../rooms/ledger/index.ts'
import { atMost, repeat } from '../waiting.ts'
import type { KeyKeeper } from './keys.ts'

/** How long events wait in the relay's outbox at most, in milliseconds; what is asked for before is read from the outbox. */
const projectEveryMs = 250
const lookForKeysEveryMs = 1000
const hourMs = 3_600_000
/** A stop does not wait for keys in the making or for a resolver: both begin anew with the next start. */
const stopWithinMs = 100

/** What control does again and again, unasked. */
export function startJobs(options: {
  readonly ledger: Ledger
  readonly project: () => Promise<void>
  readonly keys: KeyKeeper
  readonly retention: { readonly ledger: number; readonly subjects: number }
  readonly clock: Clock
  readonly log: Log
}): { stop(): Promise<void> } {
  const { ledger, project, keys, retention, clock, log } = options
  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const forget = async (): Promise<void> => {
    await ledger.dropOlderThan(clock.now() - retention.ledger)
    await ledger.forgetSubjectsOlderThan(clock.now() - retention.subjects)
  }
  const jobs = [
    repeat(projectEveryMs, project, trouble('taking events into the ledger')),
    repeat(lookForKeysEveryMs, () => keys.makeRest(), trouble('making keys')),
    repeat(lookForKeysEveryMs, () => keys.checkDue(clock.now()), trouble('looking for keys in DNS')),
    repeat(hourMs, () => keys.rotateAged(clock.now()), trouble('rotating keys')),
    repeat(hourMs, forget, trouble('forgetting what is past its retention')),
  ]
  return {
    stop: async () => {
      keys.stop()
      await atMost(stopWithinMs, Promise.all(jobs.map((job) => job.stop())))
    },
  }
}
