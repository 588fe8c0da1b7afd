import type { Custody, QueueDetail, QueueFilter, QueueRow } from '../path/custody/index.ts'
import type { Delivery } from '../path/delivery/index.ts'
import type { DecisionId } from '../path/decision/index.ts'

/** The queue as people work with it: asked of the relay, which owns its shard, or, when no server runs, of the shard itself. */
export interface QueueDesk {
  /** Whether a message could be taken at this moment. */
  takesMail(): Promise<boolean>
  list(filter: QueueFilter): Promise<readonly QueueRow[]>
  find(id: DecisionId): Promise<ShownMessage | null>
  hold(id: DecisionId, reason: string, by: string): Promise<boolean>
  release(id: DecisionId, by: string): Promise<boolean>
  cancel(id: DecisionId, by: string): Promise<boolean>
}

/** A row of the queue with its header section as text that survives JSON; octets above 127 are as latin1 has them. */
export type ShownMessage = QueueRow & { readonly header: string | null }

/** Answered in one piece: a larger queue is for the filters. */
const mostRows = 10_000
const pageRows = 500

/** The desk of a running relay. `isOpen` tells whether its listeners stand. */
export function openDesk(options: {
  readonly custody: Custody
  readonly delivery: Delivery
  readonly holdFor: number
  readonly now: () => number
  readonly isOpen: () => boolean
}): QueueDesk {
  const { custody, delivery, holdFor, now, isOpen } = options
  return {
    takesMail: () => Promise.resolve(isOpen() && custody.hasRoom()),
    list: (filter) => listAll(custody, filter),
    find: async (id) => shown(await custody.find(id)),
    hold: (id, reason, by) => delivery.hold(id, reason, by, now() + holdFor),
    release: (id, by) => delivery.release(id, by),
    cancel: (id, by) => delivery.cancel(id, by),
  }
}

/**
 * The desk where no relay runs. A cancelled message is put on a hold that is already over: the relay ends it, and tells its
 * sender, as soon as it starts.
 */
export function openOfflineDesk(custody: Custody, holdFor: number, now: () => number): QueueDesk {
  const putAside = async (id: DecisionId, reason: string, by: string, until: number): Promise<boolean> => {
    const row = await custody.find(id)
    if (row === null) return false
    const event = {
      kind: 'held',
      at: now(),
      id,
      customer: row.customer,
      source: row.source,
      detail: { reason, until, by },
    } as const
    return custody.hold(id, { reason, until }, [event])
  }
  return {
    takesMail: () => Promise.resolve(false),
    list: (filter) => listAll(custody, filter),
    find: async (id) => shown(await custody.find(id)),
    hold: (id, reason, by) => putAside(id, reason, by, now() + holdFor),
    cancel: (id, by) => putAside(id, 'cancelled by hand', by, now()),
    release: async (id, by) => {
      const row = await custody.find(id)
      if (row === null) return false
      return custody.release(id, [
        { kind: 'released', at: now(), id, customer: row.customer, source: row.source, detail: { by } },
      ])
    },
  }
}

/** `reason` is a part of what the queue gives as one: why it is held, or what a receiver said last. */
async function listAll(custody: Custody, { reason, ...filter }: QueueFilter): Promise<readonly QueueRow[]> {
  const rows: QueueRow[] = []
  let after: DecisionId | null = null
  while (rows.length < mostRows) {
    const page: readonly QueueRow[] = await custody.list(filter, after, pageRows)
    rows.push(...(reason === undefined ? page : page.filter((row) => givesAsReason(row, reason))))
    after = page.at(-1)?.id ?? null
    if (page.length < pageRows) break
  }
  return rows
}

function givesAsReason({ reason, recipients }: QueueRow, part: string): boolean {
  return [reason, ...recipients.map((one) => one.lastReply)].some((text) => text?.includes(part) ?? false)
}

function shown(detail: QueueDetail | null): ShownMessage | null {
  return detail === null
    ? null
    : { ...detail, header: detail.header === null ? null : detail.header.toString('latin1') }
}
