import type { Kysely } from 'kysely'
import type { Custody } from '../../path/custody/index.ts'
import type { Delivery, WarmUpBook } from '../../path/delivery/index.ts'
import type { EvidenceRoom } from '../../path/evidence/index.ts'
import type { Log } from '../../platform/log.ts'
import type { CopyCounter, RollingCounters } from '../../rooms/watch/index.ts'
import { readProgress } from '../ledger-progress.ts'
import { atMost, repeat } from '../waiting.ts'

const dayMs = 86_400_000
/** A stop does not wait for a resolver. */
const stopWithinMs = 200

export type ChoresOptions = {
  readonly delivery: Delivery
  readonly custody: Custody
  readonly counters: RollingCounters
  readonly copies: CopyCounter
  readonly warmth: WarmUpBook
  readonly evidence: EvidenceRoom
  readonly store: Kysely<unknown>
  readonly shard: number
  readonly log: Log
}

/** What recurs beside the mail: counters to disk, holds that run out, the outbox trimmed, the provider's address list refreshed. */
export function startChores(options: ChoresOptions): { stop(): Promise<void> } {
  const { delivery, custody, counters, copies, warmth, evidence, store, shard, log } = options
  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const saveCounters = async (): Promise<void> => {
    const changed = [...counters.drain(), ...copies.drain(), ...warmth.drain()]
    if (changed.length > 0) await custody.charge(changed)
  }
  let trimmed = 0
  const trim = async (): Promise<void> => {
    const sequence = await readProgress(store, shard)
    if (sequence === trimmed) return
    await custody.trimOutbox(sequence)
    trimmed = sequence
  }
  const running = [
    repeat(250, saveCounters, trouble('saving the counters')),
    repeat(1000, async () => void (await delivery.expireHolds()), trouble('ending holds that ran out')),
    repeat(1000, trim, trouble('trimming the outbox')),
    repeat(dayMs, () => evidence.refreshNetworks(), trouble('refreshing the address list of Microsoft 365')),
  ]
  return {
    stop: async () => {
      await atMost(stopWithinMs, Promise.all(running.map((chore) => chore.stop())))
      await saveCounters()
    },
  }
}
