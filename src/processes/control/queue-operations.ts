import { OperationError } from '../../doors/operations.ts'
import {
  type BulkAnswer,
  type BulkPlan,
  type BulkRequest,
  type QueueAction,
  type QueueGroup,
  type QueueItem,
  type QueueOperations,
  type QueueSelection,
  mostOfPage,
  pagesTogether,
} from '../../doors/operations/queue.ts'
import type { QueueFilter, QueueRow, QueueGroup as StoredGroup, StateCounts } from '../../path/custody/index.ts'
import { type DecisionId, type DecisionRecord, explain, parseDecisionId } from '../../path/decision/index.ts'
import type { Ledger } from '../../rooms/ledger/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDuration } from '../../standards/yaml/duration.ts'
import type { DeskAction, QueueDesk } from '../queue-desk.ts'
import { inWords } from './events-in-words.ts'

/** Messages that one call changes at most, and how many the desk takes at a time. */
const bulkPage = 200
const deskBatch = 100

/** Ids that a plan names. */
const namedIds = 20

const mostGroups = 1_000
const usualGroups = 50

type Options = { readonly desk: QueueDesk; readonly ledger: Ledger; readonly now: () => number }

/** What people ask of the queue and do to it, through the desk. */
export function queueOperations(options: Options): QueueOperations {
  const { desk, now } = options
  const page: QueueOperations['queuePage'] = async (selection, { after, limit }) => {
    const wanted = Math.min(limit, mostOfPage)
    const rows = await desk.list(filterOf(selection, now()), idIn(after), wanted)
    return { items: rows.map(queueItem), next: rows.length < wanted ? null : (rows.at(-1)?.id ?? null) }
  }
  return {
    queue: (selection) => pagesTogether((place) => page(selection, place)),
    queuePage: page,
    queueSummary: async (by, { limit = usualGroups }) => {
      const groups = await desk.summary(by)
      return { by, items: groups.slice(0, Math.min(limit, mostGroups)).map(queueGroup), groups: groups.length }
    },
    queueCounts: async () => {
      const { oldestArrival, ...counts } = await desk.counts()
      return { ...counts, oldest: moment(oldestArrival) }
    },
    queued: (id) => detailOf(options, id),
    queuedBody: async ({ id, reason, by }) => {
      const parsed = parseDecisionId(id)
      return isSyntaxFault(parsed) ? null : desk.body(parsed, reason, by)
    },
    actOnMessage: async ({ id, action, by }) => {
      const wanted = deskAction(action, by, now())
      const parsed = parseDecisionId(id)
      const [handled] = isSyntaxFault(parsed) ? [] : await desk.act(wanted, [parsed], by)
      if (handled === undefined) return { done: false, why: 'it is not in the queue' }
      return handled.why === null ? { done: true } : { done: false, why: handled.why }
    },
    actOnQueue: (request) => bulk(options, request),
    wouldActOnQueue: (request) => plan(options, request),
  }
}

async function detailOf({ desk, ledger }: Options, id: string): ReturnType<QueueOperations['queued']> {
  const parsed = parseDecisionId(id)
  const row = isSyntaxFault(parsed) ? null : await desk.find(parsed)
  if (row === null) return null
  const events = await ledger.find(row.id)
  const decision = events.find((event) => event.kind === 'decision')
  return {
    ...queueItem(row),
    header: row.header ?? '',
    events: events.filter((event) => event.kind !== 'decision').map(inWords),
    // The ledger holds what `recordOf()` wrote; its shape is this version's own.
    decision: decision === undefined ? [] : explain(row.id, decision.detail as unknown as DecisionRecord),
  }
}

/** A bulk action that began at a moment leaves alone what arrives later: it would never end. */
async function bulk({ desk, now }: Options, { selection, action, after, by }: BulkRequest): Promise<BulkAnswer> {
  const from = after === undefined ? { began: now(), id: null } : placeIn(after)
  const filter = filterOf(narrowed(selection, action), now(), from.began)
  const rows = await desk.list(filter, from.id, bulkPage)
  const wanted = deskAction(action, by, now())
  const done: string[] = []
  const skipped: { readonly id: string; readonly why: string }[] = []
  for (let at = 0; at < rows.length; at += deskBatch) {
    const ids = rows.slice(at, at + deskBatch).map((row) => row.id)
    for (const { id, why } of await desk.act(wanted, ids, by)) {
      if (why === null) done.push(id)
      else skipped.push({ id, why })
    }
  }
  const last = rows.at(-1)?.id
  return { done, skipped, next: rows.length < bulkPage || last === undefined ? null : `${from.began}-${last}` }
}

async function plan(
  { desk, now }: Options,
  { selection, action }: Pick<BulkRequest, 'selection' | 'action'>,
): Promise<BulkPlan> {
  const counts = await desk.count(filterOf(selection, now()))
  const rows = await desk.list(filterOf(narrowed(selection, action), now()), null, bulkPage)
  const changes = statesFor(action)
  const ids = rows.filter((row) => changes.includes(row.state)).map((row) => row.id)
  return {
    verb: action.verb,
    would: changes.reduce((sum, state) => sum + counts[state], 0),
    selected: counts.queued + counts.held + counts.damaged,
    ids: ids.slice(0, namedIds),
  }
}

/** The states that an action can change. */
function statesFor({ verb }: QueueAction): readonly (keyof StateCounts)[] {
  switch (verb) {
    case 'release':
      return ['held']
    case 'retry':
      return ['queued']
    case 'hold':
    case 'reroute':
      return ['queued', 'held']
    case 'cancel':
    case 'bounce':
      return ['queued', 'held', 'damaged']
    default:
      return verb satisfies never
  }
}

function narrowed(selection: QueueSelection, action: QueueAction): QueueSelection {
  const [only, another] = statesFor(action)
  return selection.state !== undefined || only === undefined || another !== undefined
    ? selection
    : { ...selection, state: only }
}

function filterOf({ olderThan, ...rest }: QueueSelection, now: number, latest = Infinity): QueueFilter {
  const arrivedBefore = Math.min(latest, olderThan === undefined ? Infinity : now - lengthOf(olderThan))
  return arrivedBefore === Infinity ? rest : { ...rest, arrivedBefore }
}

function lengthOf(text: string): number {
  const length = parseDuration(text)
  if (isSyntaxFault(length)) throw new OperationError('usage', `${text} is no duration: it ${length.reason}`)
  return length
}

function deskAction(action: QueueAction, by: string, now: number): DeskAction {
  switch (action.verb) {
    case 'hold': {
      const { reason, holdFor, owner = by, atEnd = 'cancel' } = action
      return {
        verb: 'hold',
        reason,
        owner,
        atEnd,
        until: holdFor === undefined ? null : now + lengthOf(holdFor),
      }
    }
    case 'bounce':
      return { verb: 'bounce', reason: action.reason, status: action.status ?? '5.0.0' }
    case 'retry':
    case 'release':
    case 'cancel':
    case 'reroute':
      return action
    default:
      return action satisfies never
  }
}

function idIn(after: string | null): DecisionId | null {
  if (after === null) return null
  const id = parseDecisionId(after)
  if (isSyntaxFault(id)) throw new OperationError('usage', 'the cursor is none of ours')
  return id
}

function placeIn(after: string): { readonly began: number; readonly id: DecisionId | null } {
  const dash = after.indexOf('-')
  const began = Number(after.slice(0, dash))
  if (dash === -1 || !Number.isSafeInteger(began)) throw new OperationError('usage', 'the cursor is none of ours')
  return { began, id: idIn(after.slice(dash + 1)) }
}

function queueItem(row: QueueRow): QueueItem {
  return {
    id: row.id,
    state: row.state,
    reason: row.reason,
    customer: row.customer,
    source: row.source,
    domain: row.domain,
    reversePath: row.reversePath === '' ? '<>' : row.reversePath,
    recipients: row.recipients.map((one) => ({
      address: one.address,
      state: one.state,
      attempts: one.attempts,
      due: new Date(one.dueAt).toISOString(),
      lastReply: one.lastReply,
    })),
    size: row.size,
    arrived: new Date(row.arrivedAt).toISOString(),
    heldUntil: moment(row.heldUntil),
    owner: row.holdOwner,
    atEnd: row.state === 'held' ? (row.holdThen ?? 'cancel') : null,
    route: row.route,
  }
}

function queueGroup({ name, messages, recipients, held, oldestArrival, nextDue }: StoredGroup): QueueGroup {
  return { name, messages, recipients, held, oldest: moment(oldestArrival), nextDue: moment(nextDue) }
}

function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
