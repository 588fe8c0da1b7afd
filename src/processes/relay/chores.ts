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
  readonly custody: Custody
  readonly counters: RollingCounters
  readonly copies: CopyCounter
  readonly warmth: WarmUpBook
  readonly evidence: EvidenceRoom
  readonly log: Log
}

/** What recurs beside the mail: counters to disk, the provider's address list refreshed. */
export function startChores(options: ChoresOptions): { stop(): Promise<void> } {
  const { custody, counters, copies, warmth, evidence, log } = options
  const saveCounters = async (): Promise<void> => {
    const changed = [...counters.drain(), ...copies.drain(), ...warmth.drain()]
    if (changed.length > 0) await custody.charge(changed)
  }
  const running = [
    repeat(250, saveCounters, troubleIn(log, 'saving the counters')),
    repeat(dayMs, () => evidence.refreshNetworks(), troubleIn(log, 'refreshing the address list of Microsoft 365')),
  ]
  return {
    stop: async () => {
      await atMost(stopWithinMs, Promise.all(running.map((chore) => chore.stop())))
      await saveCounters()
    },
  }
}

export type ShardChoresOptions = {
  readonly delivery: Delivery
  readonly custody: Custody
  readonly store: Kysely<unknown>
  readonly shard: number
  readonly log: Log
}

/** What recurs for each shard: holds that run out, the outbox trimmed. */
export function startShardChores(options: ShardChoresOptions): { stop(): Promise<void> } {
  const { delivery, custody, store, shard, log } = options
  let trimmed = 0
  const trim = async (): Promise<void> => {
    const sequence = await readProgress(store, shard)
    if (sequence === trimmed) return
    await custody.trimOutbox(sequence)
    trimmed = sequence
  }
  const running = [
    repeat(1000, async () => void (await delivery.expireHolds()), troubleIn(log, 'ending holds that ran out')),
    repeat(1000, trim, troubleIn(log, 'trimming the outbox')),
  ]
  return {
    stop: async () => void (await atMost(stopWithinMs, Promise.all(running.map((chore) => chore.stop())))),
  }
}

function troubleIn(log: Log, what: string): (error: unknown) => void {
  return (error) => log.error(`${what} failed`, { error })
}
