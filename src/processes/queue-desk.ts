import type {
  Custody,
  HoldEnd,
  ManualRoute,
  QueueDetail,
  QueueFilter,
  QueueGroup,
  QueueGrouping,
  QueueRow,
  StateCounts,
} from '../path/custody/index.ts'
import { type Delivery, InTheAir } from '../path/delivery/index.ts'
import type { DecisionId } from '../path/decision/index.ts'
import type { LedgerEvent } from '../rooms/ledger/index.ts'

/** What a person does to messages. A hold lasts at most as long as held bodies are kept; `until` null: as long as that. */
export type DeskAction =
  | { readonly verb: 'retry' | 'release' | 'cancel' }
  | {
      readonly verb: 'hold'
      readonly reason: string
      readonly until: number | null
      readonly owner: string
      readonly atEnd: HoldEnd
    }
  | { readonly verb: 'reroute'; readonly route: ManualRoute | null }
  | { readonly verb: 'bounce'; readonly status: string; readonly reason: string }

/** `why` it was not done; null when it was. */
export type Handled = { readonly id: DecisionId; readonly why: string | null }

export type QueueCounts = StateCounts & {
  /** Messages in the hands of delivery at this moment; they are among those queued. */
  readonly delivering: number
  /** Milliseconds since the epoch. */
  readonly oldestArrival: number | null
}

/** The first octets of a body. */
export type ShownBody = { readonly base64: string; readonly octets: number; readonly whole: boolean }

/**
 * The queue of one relay as people work with it: asked of the relay, which owns its shard, or, when no server runs, of the shard itself.
 * Lists come in the order of ids, a page at a time, so that those of several relays can be put together.
 */
export interface QueueDesk {
  /** Whether a message could be taken at this moment. */
  takesMail(): Promise<boolean>
  /** At most 1,000 at a time. */
  list(filter: QueueFilter, after: DecisionId | null, limit: number): Promise<readonly QueueRow[]>
  count(filter: QueueFilter): Promise<StateCounts>
  summary(by: QueueGrouping): Promise<readonly QueueGroup[]>
  counts(): Promise<QueueCounts>
  find(id: DecisionId): Promise<ShownMessage | null>
  /** At most 100 ids at a time; an answer for each, in order. */
  act(action: DeskAction, ids: readonly DecisionId[], by: string): Promise<readonly Handled[]>
  /** Written down before it is shown. null: there is no such message. */
  body(id: DecisionId, reason: string, by: string): Promise<ShownBody | null>
}

/** A row of the queue with its header section as text that survives JSON; octets above 127 are as latin1 has them. */
export type ShownMessage = QueueRow & { readonly header: string | null }

const mostRows = 1_000
const mostIds = 100
const mostOfBody = 1_048_576

export type DeskOptions = {
  readonly custody: Custody
  /** How long a message is held for which nobody says how long, in milliseconds. */
  readonly holdFor: number
  readonly now: () => number
}

/** The desk of a running relay. `isOpen` tells whether its listeners stand. */
export function openDesk(
  options: DeskOptions & { readonly delivery: Delivery; readonly isOpen: () => boolean },
): QueueDesk {
  const { custody, delivery, isOpen } = options
  return {
    ...readingDesk(options, () => delivery.metrics.inFlight),
    takesMail: () => Promise.resolve(isOpen() && custody.hasRoom()),
    act: (action, ids, by) => forEach(ids, (id) => handle(options, delivery, id, action, by)),
  }
}

/**
 * The desk where no relay runs. What is to end is put on a hold that is already over: the relay ends it, and tells its sender, as soon
 * as it starts.
 */
export function openOfflineDesk(options: DeskOptions): QueueDesk {
  return {
    ...readingDesk(options, () => 0),
    takesMail: () => Promise.resolve(false),
    act: (action, ids, by) => forEach(ids, (id) => handleOffline(options, id, action, by)),
  }
}

function readingDesk({ custody, now }: DeskOptions, delivering: () => number): Omit<QueueDesk, 'takesMail' | 'act'> {
  return {
    list: (filter, after, limit) => custody.list(filter, after, Math.min(limit, mostRows)),
    count: (filter) => custody.count(filter),
    summary: (by) => custody.summary(by),
    counts: async () => {
      const { queued, held, damaged, oldestArrival } = await custody.depth()
      return { queued, held, damaged, oldestArrival, delivering: delivering() }
    },
    find: async (id) => shown(await custody.find(id)),
    body: async (id, reason, by) => {
      const row = await custody.find(id)
      if (row === null) return null
      await custody.record([eventAbout(row, 'body-read', now(), { reason, by })])
      return startOfBody(custody, id)
    },
  }
}

function forEach(ids: readonly DecisionId[], work: (id: DecisionId) => Promise<string | null>): Promise<Handled[]> {
  return Promise.all(ids.slice(0, mostIds).map(async (id) => ({ id, why: await work(id) })))
}

async function handle(
  { custody, holdFor, now }: DeskOptions,
  delivery: Delivery,
  id: DecisionId,
  action: DeskAction,
  by: string,
): Promise<string | null> {
  const act = (): Promise<boolean> => {
    switch (action.verb) {
      case 'retry':
        return delivery.hurry(id, by)
      case 'release':
        return delivery.release(id, by)
      case 'cancel':
        return delivery.cancel(id, by)
      case 'hold':
        return delivery.hold(id, { ...holdOf(action), until: Math.min(action.until ?? Infinity, now() + holdFor) }, by)
      case 'reroute':
        return delivery.reroute(id, action.route, by)
      case 'bounce':
        return delivery.bounce(id, by, action.status, action.reason)
      default:
        return action satisfies never
    }
  }
  try {
    return (await act()) ? null : whyNot(action, await custody.find(id))
  } catch (error) {
    if (error instanceof InTheAir) return error.message
    throw error
  }
}

async function handleOffline(
  { custody, holdFor, now }: DeskOptions,
  id: DecisionId,
  action: DeskAction,
  by: string,
): Promise<string | null> {
  const row = await custody.find(id)
  if (row === null) return whyNot(action, row)
  const at = now()
  const act = (): Promise<boolean> => {
    switch (action.verb) {
      case 'retry':
        return custody.hurry(id, [eventAbout(row, 'hurried', at, { by })])
      case 'release':
        return custody.release(id, [eventAbout(row, 'released', at, { by })])
      case 'cancel':
        return putAside('cancelled by an administrator of the relay', at, 'bounce', by)
      case 'hold':
        return putAside(action.reason, Math.min(action.until ?? Infinity, at + holdFor), action.atEnd, action.owner)
      case 'reroute':
        return custody.reroute(id, action.route, [eventAbout(row, 'rerouted', at, { route: action.route, by })])
      case 'bounce':
        return putAside(action.reason, at, 'bounce', by)
      default:
        return action satisfies never
    }
  }
  const putAside = (reason: string, until: number, atEnd: HoldEnd, owner: string): Promise<boolean> => {
    const hold = { reason, until, owner, atEnd }
    return custody.hold(id, hold, [eventAbout(row, 'held', at, { ...hold, by })])
  }
  return (await act()) ? null : whyNot(action, row)
}

function holdOf({ reason, owner, atEnd }: Extract<DeskAction, { readonly verb: 'hold' }>) {
  return { reason, owner, atEnd }
}

/** In words, for who asked. */
function whyNot({ verb }: DeskAction, row: QueueRow | null): string {
  if (row === null) return 'it is not in the queue'
  if (row.state === 'damaged') return 'it is damaged: it can only be cancelled or bounced'
  if (verb === 'release') return 'it is not held'
  if (verb === 'retry' && row.state === 'held') return 'it is held: release it'
  return 'it changed meanwhile'
}

function eventAbout(
  { id, customer, source }: QueueRow,
  kind: LedgerEvent['kind'],
  at: number,
  detail: LedgerEvent['detail'],
): LedgerEvent {
  return { kind, at, id, customer, source, detail }
}

async function startOfBody(custody: Custody, id: DecisionId): Promise<ShownBody> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of custody.readBody(id)) {
    if (octets < mostOfBody) pieces.push(piece.subarray(0, mostOfBody - octets))
    octets += piece.length
  }
  return { base64: Buffer.concat(pieces).toString('base64'), octets, whole: octets <= mostOfBody }
}

function shown(detail: QueueDetail | null): ShownMessage | null {
  return detail === null
    ? null
    : { ...detail, header: detail.header === null ? null : detail.header.toString('latin1') }
}
