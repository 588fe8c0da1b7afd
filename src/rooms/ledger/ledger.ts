import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Log } from '../../platform/log.ts'
import { timeOfId } from '../../standards/names/time-ordered-id.ts'
import { DayFiles } from './day-files.ts'
import type { StoredEvent } from './event.ts'
import { type SeenRow, SeenStore } from './seen-store.ts'

/** Events that are taken into the ledger at once: two waits for the disk, and some tens of milliseconds without another turn. */
const batchSize = 2000

/** The clock of a machine may have stepped between the making of an id and the first event of it. */
const clockStepMs = 3_600_000

/** Where a shard's new events stand until the ledger has them. */
export interface OutboxSource {
  readonly shard: number
  /** Events with a higher sequence number, in order. */
  after(sequence: number, limit: number): readonly StoredEvent[] | Promise<readonly StoredEvent[]>
  /** Events of one message, decision or domain. */
  find(id: string): readonly StoredEvent[] | Promise<readonly StoredEvent[]>
}

/** How far a shard's events are in the ledger: its outbox may drop them up to and with `sequence`. */
export type Progress = { readonly shard: number; readonly sequence: number }

export interface Ledger {
  /** All events of a message or decision, in order, those included that are still in an outbox. */
  find(id: string): Promise<readonly StoredEvent[]>
  /** Ids of decisions about messages of this Message-ID (with or without angle brackets), the newest days first; of what the ledger has taken. */
  named(messageId: string, limit: number): Promise<readonly string[]>
  /**
   * Takes what is new in the outboxes. Durable when it resolves, with the shards that moved. After a crash at any point the
   * next call goes on, and no event is lost or there twice.
   */
  project(): Promise<readonly Progress[]>
  /** How far each shard is in the ledger now; without one of which nothing was taken. */
  progress(): readonly Progress[]
  /** Who was seen sending for a customer, or for all; newest first. */
  seen(customer: string | null): Promise<readonly SeenRow[]>
  /** Removes the days that ended before `moment`, in milliseconds since the epoch. */
  dropOlderThan(moment: number): Promise<void>
  /** Takes the subjects of messages out of the days that ended before `moment`. */
  forgetSubjectsOlderThan(moment: number): Promise<void>
  close(): void
}

/**
 * Is given events as they are taken, in order, and may be given those of a crash again; what it throws leaves them in their outbox. It is
 * how what recurs in the ledger is kept counted elsewhere.
 */
export type Follower = (events: readonly StoredEvent[]) => Promise<void>

export type LedgerOptions = {
  readonly dataDir: string
  readonly outboxes: readonly OutboxSource[]
  readonly followers?: readonly Follower[]
  readonly log: Log
}

/** Opens the ledger `<dataDir>/ledger/`, making it when it is new. */
export function openLedger({ dataDir, outboxes, followers = [], log }: LedgerOptions): Ledger {
  const directory = join(dataDir, 'ledger')
  mkdirSync(directory, { recursive: true, mode: 0o750 })
  const days = new DayFiles(directory, log)
  const seen = new SeenStore(join(directory, 'seen.db'), log)
  return {
    find: async (id) => {
      // The outboxes first: what moves into a day meanwhile is then found twice, not missed.
      const waiting = await Promise.all(outboxes.map(async (outbox) => outbox.find(id)))
      return inOrder([...days.find(id, timeOfId(id) - clockStepMs), ...waiting.flat()])
    },
    named: (messageId, limit) => Promise.resolve(days.named(messageId, limit)),
    project: async () => {
      const moved: Progress[] = []
      for (const outbox of outboxes) {
        const before = seen.progress(outbox.shard)
        const sequence = await takeAll(outbox, days, seen, followers)
        if (sequence > before) moved.push({ shard: outbox.shard, sequence })
      }
      return moved
    },
    progress: () =>
      outboxes.map(({ shard }) => ({ shard, sequence: seen.progress(shard) })).filter(({ sequence }) => sequence > 0),
    seen: (customer) => Promise.resolve(seen.list(customer)),
    dropOlderThan: (moment) => Promise.resolve(days.dropOlderThan(moment)),
    forgetSubjectsOlderThan: (moment) => Promise.resolve(days.forgetSubjectsOlderThan(moment)),
    close: () => {
      days.close()
      seen.close()
    },
  }
}

/**
 * The days first, then who follows, then the aggregate with the progress: a crash between leaves events in the days that are taken again,
 * where (shard, sequence) keeps them single.
 */
async function takeAll(
  outbox: OutboxSource,
  days: DayFiles,
  seen: SeenStore,
  followers: readonly Follower[],
): Promise<number> {
  for (;;) {
    const events = await outbox.after(seen.progress(outbox.shard), batchSize)
    if (events.length === 0) return seen.progress(outbox.shard)
    days.append(events)
    for (const follow of followers) await follow(events)
    seen.take(outbox.shard, events)
    await turn()
  }
}

function inOrder(events: readonly StoredEvent[]): readonly StoredEvent[] {
  const single = new Map(events.map((event) => [`${event.shard}/${event.sequence}`, event]))
  return [...single.values()].toSorted((a, b) => a.shard - b.shard || a.sequence - b.sequence)
}
