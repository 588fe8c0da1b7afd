import { type DecisionId, shardOfDecisionId } from '../path/decision/index.ts'
import type { QueueDesk } from './queue-desk.ts'

/** Several desks of which each has some of the shards. */
export type Desks = {
  /** All of them. */
  readonly all: () => readonly QueueDesk[]
  /** The one that has a message, or would have it. */
  readonly of: (id: DecisionId) => QueueDesk
}

/** Answered in one piece: a larger queue is for the filters. */
const mostRows = 10_000

/** Several desks as one: lists in the order of ids, which is that of arrival; what is about one message goes to whoever has it. */
export function joinDesks({ all, of }: Desks): QueueDesk {
  return {
    takesMail: async () => (await Promise.all(all().map((desk) => desk.takesMail()))).includes(true),
    list: async (filter) => {
      const lists = await Promise.all(all().map((desk) => desk.list(filter)))
      const rows =
        lists.length === 1 ? lists.flat() : lists.flat().toSorted((one, other) => (one.id < other.id ? -1 : 1))
      return rows.slice(0, mostRows)
    },
    find: (id) => of(id).find(id),
    hold: (id, reason, by) => of(id).hold(id, reason, by),
    release: (id, by) => of(id).release(id, by),
    cancel: (id, by) => of(id).cancel(id, by),
  }
}

/** The desks of those shards that are open here at the moment, as one; `own` always is, and knows nothing of what is elsewhere. */
export function joinShardDesks(own: QueueDesk, adopted: ReadonlyMap<number, QueueDesk>): QueueDesk {
  return joinDesks({
    all: () => [own, ...adopted.values()],
    of: (id) => adopted.get(shardOfDecisionId(id)) ?? own,
  })
}
