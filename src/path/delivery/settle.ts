import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'
import { classOfReply } from '../../standards/smtp/reply-class.ts'
import type { ReplyClass } from '../../standards/smtp/reply-patterns.ts'
import type { Outcome, RecipientState, StoredMessage } from '../custody/custody.ts'
import type { AttemptResult } from './client/attempt-result.ts'
import { refusalIn } from './client/outcome.ts'
import { eventAbout } from './event-about.ts'
import type { Notice } from './report.ts'
import { nextAttempt } from './retry.ts'
import type { Room } from './room.ts'

/** What an attempt means for custody, the ledger and the sender. */
export type Settlement = {
  readonly outcomes: readonly Outcome[]
  readonly events: readonly LedgerEvent[]
  readonly notices: readonly Notice[]
}

type Fate = {
  readonly outcome: Outcome
  readonly notice: Notice | null
  readonly recipient: RecipientState
  readonly result: AttemptResult
}

/** Turns the results of an attempt at one destination into outcomes, one event for each kind of answer, and notices for the sender. */
export function settlementOf(
  room: Room,
  message: StoredMessage,
  destination: string,
  results: readonly AttemptResult[],
): Settlement {
  const now = room.clock.now()
  const byIndex = new Map(message.recipients.map((one) => [one.index, one]))
  // One draw for all, so that recipients who failed together are tried together.
  const random = room.random()
  const fates: Fate[] = []
  for (const result of results) {
    const recipient = byIndex.get(result.index)
    if (recipient !== undefined) fates.push(fateOf(room, message, recipient, result, now, random))
  }
  return {
    outcomes: fates.map((fate) => fate.outcome),
    events: eventsOf(message, destination, fates, now),
    notices: fates.flatMap((fate) => (fate.notice === null ? [] : [fate.notice])),
  }
}

function fateOf(
  room: Room,
  message: StoredMessage,
  recipient: RecipientState,
  result: AttemptResult,
  now: number,
  random: number,
): Fate {
  const { index, reply } = result
  switch (result.kind) {
    case 'delivered': {
      // RFC 3461 §5.2.2: who passes mail on to a server without DSN says so itself.
      const relayed = !result.dsn && wants(recipient, 'SUCCESS', false)
      return {
        recipient,
        result,
        outcome: { index, kind: 'delivered', reply },
        notice: relayed ? noticeOf(recipient, result, 'relayed', now) : null,
      }
    }
    case 'failed':
      return failed(recipient, result, now)
    case 'retry':
      return again(room, message, recipient, result, now, random)
    default:
      return result.kind satisfies never
  }
}

function again(
  room: Room,
  message: StoredMessage,
  recipient: RecipientState,
  result: AttemptResult,
  now: number,
  random: number,
): Fate {
  const { retry, delayNotice } = room.settings
  const arrivedAt = message.envelope.arrival.at
  const attempts = recipient.attempts + (result.attempted ? 1 : 0)
  const verdict = nextAttempt(retry, attempts, arrivedAt, now, random)
  if (verdict.kind === 'expired') {
    const reply = `5.4.7 given up after ${days(now - arrivedAt)}; the last answer was: ${result.reply}`
    return failed(recipient, { ...result, kind: 'failed', status: '5.4.7', reply, fromRemote: false }, now)
  }
  const late = now - arrivedAt >= delayNotice && !recipient.delayNotified && wants(recipient, 'DELAY', true)
  const dueAt = Math.min(comeBackAt(result, attempts, verdict.dueAt, now, random), arrivedAt + retry.giveUpAfter)
  const outcome: Outcome = {
    index: recipient.index,
    kind: 'retry',
    reply: result.reply,
    dueAt,
    attempted: result.attempted,
    ...(late ? { delayNotified: true } : {}),
  }
  const notice = late
    ? { ...noticeOf(recipient, result, 'delayed', now), willRetryUntil: arrivedAt + retry.giveUpAfter }
    : null
  return { recipient, result, outcome, notice }
}

/** Who was not even tried comes back soon, or when it is told to; who was, by the clock of the reply or that of all retries. */
function comeBackAt(result: AttemptResult, attempts: number, usual: number, now: number, random: number): number {
  if (!result.attempted) return Math.max(now + 1, result.dueAt ?? Math.round(now + crowdedWait * (1 + random)))
  const { ownClock } = result
  return ownClock === undefined || attempts > ownClock.times
    ? usual
    : Math.round(now + ownClock.after * (1 + random / 5))
}

/** Milliseconds, at least. */
const crowdedWait = 10_000

function failed(recipient: RecipientState, result: AttemptResult, now: number): Fate {
  const outcome: Outcome = { index: recipient.index, kind: 'failed', reply: result.reply }
  return {
    recipient,
    result,
    outcome,
    notice: wants(recipient, 'FAILURE', true) ? noticeOf(recipient, result, 'failed', now) : null,
  }
}

function noticeOf(recipient: RecipientState, result: AttemptResult, action: Notice['action'], now: number): Notice {
  return {
    recipient,
    action,
    status: result.status,
    remoteMta: result.remote?.name ?? null,
    diagnostic: result.reply,
    fromRemote: result.fromRemote,
    lastAttempt: now,
    willRetryUntil: null,
  }
}

/** RFC 3461 §4.1: without NOTIFY a sender hears of failures, and may hear of delays. */
export function wants(recipient: RecipientState, what: 'SUCCESS' | 'FAILURE' | 'DELAY', otherwise: boolean): boolean {
  const { notify } = recipient
  if (notify === null) return otherwise
  return notify !== 'NEVER' && notify.includes(what)
}

/** One event for all recipients that met the same answer of the same server. */
function eventsOf(
  message: StoredMessage,
  destination: string,
  fates: readonly Fate[],
  now: number,
): readonly LedgerEvent[] {
  const groups = new Map<string, Fate[]>()
  for (const fate of fates) {
    const key = `${fate.outcome.kind}|${fate.result.remote?.address}|${fate.outcome.reply}`
    groups.set(key, [...(groups.get(key) ?? []), fate])
  }
  const told = new Set<string>()
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    return first === undefined ? [] : [eventOf(message, destination, group, first, now, told)]
  })
}

function eventOf(
  message: StoredMessage,
  destination: string,
  group: readonly Fate[],
  first: Fate,
  now: number,
  told: Set<string>,
): LedgerEvent {
  const { outcome, result } = first
  // What several recipients have in common is told with the first of them.
  const { dialogue } = result
  const isNew = dialogue !== undefined && !told.has(dialogue)
  if (isNew) told.add(dialogue)
  const kind = outcome.kind === 'retry' ? 'deferred' : outcome.kind
  return eventAbout(message, kind, now, {
    recipients: group.map((fate) => formatMailbox(fate.recipient.mailbox)),
    destination,
    remote: result.remote,
    tls: result.tls,
    status: result.status,
    reply: outcome.reply,
    ...(isNew ? { dialogue } : {}),
    ...(outcome.kind === 'delivered' ? {} : { class: classOf(result) }),
    ...(outcome.kind === 'retry' ? { dueAt: outcome.dueAt, attempted: outcome.attempted } : {}),
  })
}

function classOf(result: AttemptResult): ReplyClass {
  return result.class ?? classOfReply(refusalIn(result))
}

function days(milliseconds: number): string {
  const hours = milliseconds / 3_600_000
  return hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`
}
