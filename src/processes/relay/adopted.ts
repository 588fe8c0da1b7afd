import { setTimeout as pause } from 'node:timers/promises'
import { type Custody, openCustody } from '../../path/custody/index.ts'
import type { Delivery } from '../../path/delivery/index.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import { repeat } from '../waiting.ts'

/** A relay that leaves has up to 11 seconds to finish what it has in the air, and gives its shard back only then. */
const ownerLeavesWithinMs = 15_000
const tryAgainAfterMs = 1_000

/** A shard at work: taken mail is carried from it. */
export type CarriedShard = { readonly custody: Custody; readonly delivery: Delivery; stop(): Promise<void> }

/** Shards without a relay of their own: nothing is accepted into them, and what is in them is delivered. */
export type AdoptedShards = {
  kick(): void
  /** Takes no more work, finishes what is in the air for at most this many milliseconds, and gives the shards back. */
  close(graceMs: number): Promise<void>
}

/** Opens them beside the relay's own, which does not wait for it, and gives each back once nothing is left in it. */
export function adoptShards(options: {
  readonly shards: readonly number[]
  readonly dataDir: string
  readonly carry: (shard: number, custody: Custody) => Promise<CarriedShard>
  readonly clock: Clock
  readonly log: Log
}): AdoptedShards {
  const { shards, dataDir, carry, clock, log } = options
  const open = new Map<number, CarriedShard>()
  const state = { stopping: false }

  const adopt = async (shard: number): Promise<void> => {
    while (!state.stopping) {
      try {
        const custody = await openCustody({ dataDir, shard, log, clock, waitMs: ownerLeavesWithinMs })
        const { queued, held, damaged } = await custody.depth()
        log.info('a shard without a relay of its own is delivered from here', { shard, queued, held, damaged })
        return void open.set(shard, await carry(shard, custody))
      } catch (error) {
        log.error('a shard without a relay of its own could not be opened; it is tried again', { shard, error })
        await pause(tryAgainAfterMs)
      }
    }
  }
  const giveBackEmpty = async (): Promise<void> => {
    for (const [shard, { custody }] of open) {
      const { queued, held, damaged, outbox } = await custody.depth()
      if (queued + held + damaged + outbox > 0) continue
      await giveBack(shard, 0)
      log.info('a shard without a relay of its own is empty, and closed', { shard })
    }
  }
  const giveBack = async (shard: number, graceMs: number): Promise<void> => {
    const one = open.get(shard)
    if (one === undefined) return
    open.delete(shard)
    await one.delivery.drain(graceMs)
    await one.stop()
    await one.custody.close()
  }
  const adopting = Promise.all(shards.map(adopt))
  const emptying = repeat(tryAgainAfterMs, giveBackEmpty, (error) =>
    log.error('an adopted shard could not be looked at', { error }),
  )
  return {
    kick: () => {
      for (const { delivery } of open.values()) delivery.kick()
    },
    close: async (graceMs) => {
      state.stopping = true
      await Promise.race([adopting, pause(tryAgainAfterMs, null, { ref: false })])
      await emptying.stop()
      await Promise.all([...open.keys()].map((shard) => giveBack(shard, graceMs)))
    },
  }
}
