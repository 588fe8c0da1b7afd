import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import type { Ledger } from '../../rooms/ledger/index.ts'
import type { Registry, Suppressions } from '../../rooms/registry/index.ts'
import type { BulkBook } from '../../rooms/watch/index.ts'
import { atMost, repeat } from '../waiting.ts'
import type { KeyKeeper } from './keys.ts'
import type { ProofKeeper } from './proofs.ts'

/** How long events wait in the relay's outbox at most, in milliseconds; what is asked for before is read from the outbox. */
const projectEveryMs = 250
const lookForKeysEveryMs = 1000
const lookForProofsEveryMs = 1000
const hourMs = 3_600_000
/** A stop does not wait for keys in the making or for a resolver: both begin anew with the next start. */
const stopWithinMs = 100

/** What control does again and again, unasked. */
export function startJobs(options: {
  readonly registry: Registry
  readonly ledger: Ledger
  readonly project: () => Promise<void>
  readonly keys: KeyKeeper
  readonly proofs: ProofKeeper
  readonly suppressions: Suppressions
  readonly bulk: BulkBook
  readonly retention: { readonly ledger: number; readonly subjects: number }
  readonly clock: Clock
  readonly log: Log
}): { stop(): Promise<void> } {
  const { registry, ledger, project, keys, proofs, suppressions, bulk, retention, clock, log } = options
  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const forget = async (): Promise<void> => {
    await ledger.dropOlderThan(clock.now() - retention.ledger)
    await ledger.forgetSubjectsOlderThan(clock.now() - retention.subjects)
    await suppressions.forgetBefore(clock.now() - retention.ledger)
  }
  const dropEvents = async (): Promise<void> => {
    const taken = ledger.progress().find(({ shard }) => shard === registry.events.shard)
    if (taken !== undefined) await registry.events.dropBefore(taken.sequence)
  }
  const jobs = [
    repeat(projectEveryMs, project, trouble('taking events into the ledger')),
    repeat(lookForKeysEveryMs, () => keys.makeRest(), trouble('making keys')),
    repeat(lookForKeysEveryMs, () => keys.checkDue(clock.now()), trouble('looking for keys in DNS')),
    repeat(hourMs, () => keys.rotateAged(clock.now()), trouble('rotating keys')),
    repeat(lookForProofsEveryMs, () => proofs.checkDue(clock.now()), trouble('looking for proofs of domains')),
    repeat(hourMs, () => bulk.closeOld(clock.now()), trouble('closing findings')),
    repeat(hourMs, dropEvents, trouble('dropping events that the ledger has')),
    repeat(hourMs, forget, trouble('forgetting what is past its retention')),
  ]
  return {
    stop: async () => {
      keys.stop()
      await atMost(stopWithinMs, Promise.all(jobs.map((job) => job.stop())))
    },
  }
}
