import type { QueueGroup } from '../path/custody/index.ts'
import { type DecisionId, shardOfDecisionId } from '../path/decision/index.ts'
import type { QueueDesk } from './queue-desk.ts'

/** Several desks of which each has some of the shards. */
export type Desks = {
  /** All of them. */
  readonly all: () => readonly QueueDesk[]
  /** The one that has a message, or would have it. */
  readonly of: (id: DecisionId) => QueueDesk
}

/** Several desks as one: lists in the order of ids, which is that of arrival; what is about one message goes to whoever has it. */
export function joinDesks({ all, of }: Desks): QueueDesk {
  return {
    takesMail: async () => (await Promise.all(all().map((desk) => desk.takesMail()))).includes(true),
    list: async (filter, after, limit) => {
      const lists = await Promise.all(all().map((desk) => desk.list(filter, after, limit)))
      const rows =
        lists.length === 1 ? lists.flat() : lists.flat().toSorted((one, other) => (one.id < other.id ? -1 : 1))
      return rows.slice(0, limit)
    },
    count: async (filter) => {
      const counts = await Promise.all(all().map((desk) => desk.count(filter)))
      return { queued: sum(counts, 'queued'), held: sum(counts, 'held'), damaged: sum(counts, 'damaged') }
    },
    summary: async (by) => groupsTogether(await Promise.all(all().map((desk) => desk.summary(by)))),
    counts: async () => {
      const counts = await Promise.all(all().map((desk) => desk.counts()))
      return {
        queued: sum(counts, 'queued'),
        held: sum(counts, 'held'),
        damaged: sum(counts, 'damaged'),
        delivering: sum(counts, 'delivering'),
        oldestArrival: earliest(counts.map((one) => one.oldestArrival)),
      }
    },
    find: (id) => of(id).find(id),
    act: async (action, ids, by) => {
      const groups = [...Map.groupBy(ids, (id) => of(id))]
      const answers = await Promise.all(groups.map(([desk, theirs]) => desk.act(action, theirs, by)))
      const handled = new Map(answers.flat().map((one) => [one.id, one]))
      return ids.flatMap((id) => handled.get(id) ?? [])
    },
    body: (id, reason, by) => of(id).body(id, reason, by),
  }
}

/** The same group of several desks counts once. */
function groupsTogether(summaries: readonly (readonly QueueGroup[])[]): readonly QueueGroup[] {
  const [only, another] = summaries
  if (only !== undefined && another === undefined) return only
  return [...Map.groupBy(summaries.flat(), (group) => group.name)]
    .map(([name, parts]) => ({
      name,
      messages: sum(parts, 'messages'),
      recipients: sum(parts, 'recipients'),
      held: sum(parts, 'held'),
      oldestArrival: earliest(parts.map((part) => part.oldestArrival)),
      nextDue: earliest(parts.map((part) => part.nextDue)),
    }))
    .toSorted((one, other) => other.messages - one.messages || (one.name < other.name ? -1 : 1))
}

function sum<Key extends string>(parts: readonly { readonly [key in Key]: number }[], key: Key): number {
  return parts.reduce((total, part) => total + part[key], 0)
}

function earliest(moments: readonly (number | null)[]): number | null {
  const given = moments.filter((at) => at !== null)
  return given.length === 0 ? null : Math.min(...given)
}

/** The desks of those shards that are open here at the moment, as one; `own` always is, and knows nothing of what is elsewhere. */
export function joinShardDesks(own: QueueDesk, adopted: ReadonlyMap<number, QueueDesk>): QueueDesk {
  return joinDesks({
    all: () => [own, ...adopted.values()],
    of: (id) => adopted.get(shardOfDecisionId(id)) ?? own,
  })
}
