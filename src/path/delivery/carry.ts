import { setTimeout as sleep } from 'node:timers/promises'
import { hasEightBit } from '../../standards/message/header-section.ts'
import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import type { Outcome, RecipientState, StoredMessage } from '../custody/custody.ts'
import { type AttemptResult, attempt } from './client/attempt.ts'
import type { Outgoing, OutgoingRecipient } from './client/transaction.ts'
import { SourceTrouble, Superseded } from './client/trouble.ts'
import { type Prepared, prepare } from './outbound/prepare.ts'
import { type Notice, type Report, reportOn } from './report.ts'
import { faultWait } from './retry.ts'
import type { Room } from './room.ts'
import type { Destination } from './routing/route.ts'
import { eventAbout, settlementOf } from './settle.ts'

/**
 * How a message left our hands. `dueAt` is when its next recipient is due, Infinity when none is left. `our-fault`: nothing was tried and no clock was touched; it is to be carried again soon. */
export type Carried =
  | { readonly kind: 'settled'; readonly followed: boolean; readonly dueAt: number }
  | { readonly kind: 'nothing-due' }
  /** The judgement fell while it waited for a connection: it is to be carried again at once. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'our-fault'; readonly because: string }

type Ready = Extract<Prepared, { kind: 'ready' }>
type Group = { readonly destination: Destination; readonly recipients: readonly OutgoingRecipient[] }

/**
 * Carries a message to all destinations that are due: judge, sign, send, settle. `body` is its body where we still have it in
 * memory; otherwise it is read from custody as it is sent.
 */
export async function carry(room: Room, message: StoredMessage, body: readonly Buffer[] | null): Promise<Carried> {
  const now = room.clock.now()
  const due = message.recipients.filter((one) => one.state === 'pending' && one.dueAt <= now)
  if (message.hold !== null || due.length === 0) return { kind: 'nothing-due' }
  const prepared = await prepare(room, message)
  switch (prepared.kind) {
    case 'ready':
      return new Carriage(room, message, prepared, body).run(due, nextOf(message, due))
    case 'withdrawn':
      room.outbound.metrics.withdrawn++
      return putOnHold(room, message, prepared.rule, prepared.because)
    case 'unsendable':
      return putOnHold(room, message, 'system-fault', `the stored message can't be sent: ${prepared.because}`)
    case 'looping':
      return giveUp(room, message, due, '5.4.6', prepared.because)
    case 'our-fault':
      if (now < message.envelope.arrival.at + room.settings.retry.giveUpAfter) return prepared
      return giveUp(room, message, due, '5.4.7', `given up, since it could not be signed: ${prepared.because}`)
    default:
      return prepared satisfies never
  }
}

function nextOf(message: StoredMessage, due: readonly RecipientState[]): number {
  const later = message.recipients.filter((one) => one.state === 'pending' && !due.includes(one))
  return Math.min(...later.map((one) => one.dueAt))
}

async function putOnHold(room: Room, message: StoredMessage, rule: string, because: string): Promise<Carried> {
  const now = room.clock.now()
  const until = now + room.settings.holdFor
  const event = eventAbout(message, 'held', now, { rule, reason: because, until, by: 'delivery' })
  room.signatures.forget(message.id)
  await persist(room, () => room.custody.hold(message.id, `${rule}: ${because}`, until, [event]))
  return { kind: 'settled', followed: false, dueAt: Infinity }
}

/** Fails recipients for a reason that no server gave. */
async function giveUp(
  room: Room,
  message: StoredMessage,
  due: readonly RecipientState[],
  status: string,
  because: string,
): Promise<Carried> {
  const results = due.map((one) => ({
    index: one.index,
    kind: 'failed' as const,
    status,
    reply: `${status} ${because}`,
    fromRemote: false,
    remote: null,
    tls: null,
    dsn: false,
    attempted: true,
  }))
  const settled = await settle(room, message, [{ destination: 'none', results }], [])
  return { ...settled, dueAt: Math.min(settled.dueAt, nextOf(message, due)) }
}

type DestinationResults = { readonly destination: string; readonly results: readonly AttemptResult[] }

/** Writes results with their reports and events in one transaction. */
async function settle(
  room: Room,
  message: StoredMessage,
  batches: readonly DestinationResults[],
  moreEvents: readonly LedgerEvent[],
): Promise<Extract<Carried, { kind: 'settled' }>> {
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
async function persist<T>(room: Room, write: () => Promise<T>): Promise<T> {
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

/** One message on its way to several destinations at once. */
class Carriage {
  readonly #room: Room
  readonly #message: StoredMessage
  readonly #prepared: Ready
  readonly #body: readonly Buffer[] | null
  /** Results that wait for the other destinations, so that one report can tell of all. */
  #kept: DestinationResults[] = []
  #events: readonly LedgerEvent[]
  #running = 0
  #followed = false
  #dueAt = Infinity

  constructor(room: Room, message: StoredMessage, prepared: Ready, body: readonly Buffer[] | null) {
    this.#room = room
    this.#message = message
    this.#prepared = prepared
    this.#body = body
    this.#events = departureEvents(room, message, prepared)
  }

  /** @param next when a recipient that is not yet due will be, or Infinity. */
  async run(due: readonly RecipientState[], next: number): Promise<Carried> {
    const groups = groupByDestination(this.#room, due)
    const outgoing = this.#outgoing()
    this.#running = groups.length
    const troubles = await Promise.all(groups.map((group) => this.#send(group, outgoing)))
    const sources = troubles.filter((one) => one instanceof SourceTrouble)
    const held = sources.find((one) => one.kind === 'line-endings')
    if (held) return putOnHold(this.#room, this.#message, 'system-fault', held.message)
    if (sources[0]) return { kind: 'our-fault', because: sources[0].message }
    if (troubles.some((one) => one !== null)) return { kind: 'superseded' }
    if (this.#room.stopping.aborted) return { kind: 'our-fault', because: 'stopped before it was done' }
    return { kind: 'settled', followed: this.#followed, dueAt: Math.min(next, this.#dueAt) }
  }

  /** Answers what our own side had against it. */
  async #send(group: Group, outgoing: Outgoing): Promise<SourceTrouble | Superseded | null> {
    const { destination, recipients } = group
    const partial: AttemptResult[] = []
    try {
      const job = { destination, recipients, message: outgoing, stands: () => this.#stands() }
      const results = await attempt(this.#room.outbound, job, (delivered) => partial.push(...delivered))
      await this.#arrived({ destination: destination.key, results })
      return null
    } catch (error) {
      if (error instanceof SourceTrouble) {
        const { message, cause } = error
        this.#room.log.error('a stored message could not be sent', {
          id: this.#message.id,
          error: message,
          cause: String(cause),
        })
      } else if (!(error instanceof Superseded)) {
        throw error
      }
      await this.#arrived({ destination: destination.key, results: partial })
      return error
    }
  }

  #stands(): boolean {
    const judged = this.#room.rejudge(this.#message)
    const { signature } = this.#prepared
    if (judged.kind === 'renewed') {
      return signature.kind !== 'none' && judged.permit.policyVersion === signature.made.policyVersion
    }
    return judged.kind === 'unsigned' && signature.kind === 'none'
  }

  /**
   * Deliveries are written at once, so that a crash repeats as few as possible; the rest is written with the last destination, so
   * that the sender hears of all failures in one report.
   */
  async #arrived(batch: DestinationResults): Promise<void> {
    this.#running--
    const { aborted } = this.#room.stopping
    const results = aborted ? batch.results.filter((one) => one.kind === 'delivered') : batch.results
    const now = this.#running === 0 ? results : results.filter((one) => one.kind === 'delivered')
    const later = this.#running === 0 ? [] : results.filter((one) => one.kind !== 'delivered')
    const kept = this.#running === 0 ? this.#kept : []
    if (later.length > 0) this.#kept.push({ destination: batch.destination, results: later })
    const batches = [{ destination: batch.destination, results: now }, ...kept].filter((one) => one.results.length > 0)
    if (batches.length === 0) return
    const events = this.#events
    this.#events = []
    const settled = await settle(this.#room, this.#message, batches, events)
    this.#followed ||= settled.followed
    this.#dueAt = Math.min(settled.dueAt, this.#dueAt)
  }

  #outgoing(): Outgoing {
    const { header } = this.#prepared
    const { envelope, size, header: stored, id } = this.#message
    const { reversePath } = envelope
    const body = this.#body
    return {
      reversePath,
      ret: envelope.ret,
      envid: envelope.envid,
      size: size - stored.length - 2 + header.length,
      eightBit: envelope.eightBit,
      needsUtf8: envelope.smtputf8 && (hasEightBit(header) || !/^[\0-\x7f]*$/.test(reversePath?.localPart ?? '')),
      header,
      body: body === null ? () => this.#room.custody.readBody(id) : () => body,
    }
  }
}

function groupByDestination(room: Room, due: readonly RecipientState[]): readonly Group[] {
  const groups = new Map<string, { destination: Destination; recipients: OutgoingRecipient[] }>()
  for (const one of due) {
    const destination = room.routes.destinationOf(one.mailbox.domain)
    const group = groups.get(destination.key) ?? { destination, recipients: [] }
    group.recipients.push({ index: one.index, mailbox: one.mailbox, notify: one.notify, orcpt: one.orcpt })
    groups.set(destination.key, group)
  }
  return [...groups.values()]
}

/** What the ledger learns of a message's way out, before any destination has answered: only when it is new. */
function departureEvents(room: Room, message: StoredMessage, prepared: Ready): readonly LedgerEvent[] {
  const now = room.clock.now()
  const { signature, removed } = prepared
  if (signature.kind === 'reused') return []
  const { domain } = message.permit
  const signed =
    signature.kind === 'made'
      ? [
          eventAbout(message, 'signed', now, {
            domain,
            selectors: signature.made.selectors,
            policyVersion: signature.made.policyVersion,
          }),
        ]
      : []
  const first = message.recipients.every((one) => one.attempts === 0 && one.state === 'pending')
  const cleaned = first && removed.length > 0 ? [eventAbout(message, 'cleaned', now, { removed })] : []
  return [...signed, ...cleaned]
}
