import { setTimeout as sleep } from 'node:timers/promises'
import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import type { Outcome, StoredMessage } from '../custody/custody.ts'
import type { AttemptResult } from './client/attempt-result.ts'
import { type Notice, type Report, reportOn } from './report.ts'
import { faultWait } from './retry.ts'
import type { Room } from './room.ts'
import { settlementOf } from './settle.ts'

export type DestinationResults = { readonly destination: string; readonly results: readonly AttemptResult[] }

/** `dueAt` is when its next recipient is due, Infinity when none of these is; `followed` whether a report was stored. */
export type Settled = { readonly kind: 'settled'; readonly followed: boolean; readonly dueAt: number }

/** Writes results with their reports and events in one transaction. */
export async function settle(
  room: Room,
  message: StoredMessage,
  batches: readonly DestinationResults[],
  moreEvents: readonly LedgerEvent[],
): Promise<Settled> {
  const parts = batches.map((batch) => settlementOf(room, message, batch.destination, batch.results))
  const outcomes = parts.flatMap((part) => part.outcomes)
  const events = [...moreEvents, ...parts.flatMap((part) => part.events)]
  const owed = parts.flatMap((part) => part.notices)
  const { report, outcomes: settled, events: settledEvents } = await withReport(room, message, owed, outcomes, events)
  await persist(room, () =>
    room.custody.settle(message.id, settled, report.follow, [...settledEvents, ...report.events]),
  )
  count(room, settled)
  const dueAt = settled.flatMap((one) => (one.kind === 'retry' ? [one.dueAt] : []))
  return { kind: 'settled', followed: report.follow.length > 0, dueAt: Math.min(...dueAt) }
}

/** Seconds after which a report that could not be made is tried again, with what it reports on. */
const reportAgain = 30

/**
 * No failure without its report: where the report can't be made, what it would say stays open and is found again. Deliveries are
 * settled all the same, since sending them twice would be worse than a missing receipt.
 */
async function withReport(
  room: Room,
  message: StoredMessage,
  notices: readonly Notice[],
  outcomes: readonly Outcome[],
  events: readonly LedgerEvent[],
): Promise<{ report: Report; outcomes: readonly Outcome[]; events: readonly LedgerEvent[] }> {
  try {
    return { report: await reportOn(room, message, notices), outcomes, events }
  } catch (error) {
    room.outbound.metrics.ownFaults++
    room.log.error('a delivery report could not be made', { id: message.id, error: String(error) })
    const dueAt = room.clock.now() + reportAgain * 1000
    const open = outcomes.map((one): Outcome => {
      if (one.kind === 'delivered') return one
      return {
        index: one.index,
        kind: 'retry',
        reply: one.reply,
        dueAt: one.kind === 'retry' ? one.dueAt : dueAt,
        attempted: one.kind === 'retry' && one.attempted,
      }
    })
    return {
      report: { follow: [], events: [] },
      outcomes: open,
      events: events.filter((event) => event.kind !== 'failed'),
    }
  }
}

function count(room: Room, outcomes: readonly Outcome[]): void {
  const { metrics } = room.outbound
  for (const one of outcomes) {
    if (one.kind === 'delivered') metrics.delivered++
    else if (one.kind === 'retry') metrics.deferred++
    else metrics.failed++
  }
}

/** After this many refusals of custody in a row (some minutes) the message is let go; custody has it as it was. */
const maxPersistTries = 40

/** Has custody write it, however often that takes: a message whose delivery is not on disk would be delivered again. */
export async function persist<T>(room: Room, write: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write()
    } catch (error) {
      room.outbound.metrics.ownFaults++
      room.log.error('custody could not write', { tries, error: String(error) })
      if (tries >= maxPersistTries || room.stopping.aborted) throw error
      await sleep(faultWait(tries, room.random()), undefined, { ref: false })
    }
  }
}
