import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import { hasEightBit } from '../../standards/message/header-section.ts'
import { waivesTls } from '../../standards/message/shape.ts'
import type { ManualRoute, RecipientState, StoredMessage } from '../custody/custody.ts'
import { attempt } from './client/attempt.ts'
import type { AttemptResult } from './client/attempt-result.ts'
import { type Outgoing, type OutgoingRecipient, isAscii } from './client/outgoing.ts'
import { SourceTrouble, Superseded } from './client/trouble.ts'
import type { Prepared } from './outbound/prepare.ts'
import type { Room } from './room.ts'
import { type Destination, destinationVia } from './routing/route.ts'
import { eventAbout } from './event-about.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { type DestinationResults, type Settled, settle } from './write-down.ts'

type Ready = Extract<Prepared, { kind: 'ready' }>
type Group = { readonly destination: Destination; readonly recipients: readonly OutgoingRecipient[] }

/** How the way to all destinations ended. `superseded` and the troubles leave what was not delivered as it was. */
export type Arrival =
  | Settled
  | { readonly kind: 'superseded' }
  | { readonly kind: 'unreadable'; readonly because: string }
  | { readonly kind: 'undisciplined'; readonly because: string }
  | { readonly kind: 'stopped' }

/** Of one message; a list of many dead destinations must not take the connections of all. */
const destinationsAtOnce = 16

/** One message on its way to several destinations at once. */
export class Carriage {
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
  async run(due: readonly RecipientState[], next: number): Promise<Arrival> {
    const groups = groupByDestination(this.#room, due, this.#message.route)
    const outgoing = this.#outgoing()
    this.#running = groups.length
    const troubles = await fewAtATime(groups, destinationsAtOnce, (group) => this.#send(group, outgoing))
    const sources = troubles.filter((one) => one instanceof SourceTrouble)
    const held = sources.find((one) => one.kind === 'line-endings')
    if (held) return { kind: 'undisciplined', because: held.message }
    if (sources[0]) return { kind: 'unreadable', because: sources[0].message }
    if (troubles.some((one) => one !== null)) return { kind: 'superseded' }
    if (this.#room.stopping.aborted) return { kind: 'stopped' }
    return { kind: 'settled', followed: this.#followed, dueAt: Math.min(next, this.#dueAt) }
  }

  /** Answers what our own side had against it. */
  async #send(group: Group, outgoing: Outgoing): Promise<SourceTrouble | Superseded | null> {
    const { destination, recipients } = group
    const partial: AttemptResult[] = []
    try {
      const { id, permit } = this.#message
      const { customer, source } = permit
      const subject = { id, customer, source, fresh: this.#body !== null }
      const pool = this.#room.poolOf?.(this.#message) ?? null
      const job = { ...subject, pool, destination, recipients, message: outgoing, stands: () => this.#stands() }
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
    const returnAddress = reversePath === null ? null : (this.#room.returnAddress?.(this.#message) ?? null)
    const needsUtf8 = hasEightBit(header) || (returnAddress === null && !isAscii(reversePath?.localPart ?? ''))
    return {
      reversePath,
      returnAddress,
      ret: envelope.ret,
      envid: envelope.envid,
      size: size - stored.length - 2 + header.length,
      eightBit: envelope.eightBit,
      needsUtf8: envelope.smtputf8 && needsUtf8,
      requireTls: envelope.requireTls === true,
      tlsOptional: () => waivesTls(stored),
      header,
      body: body === null ? () => this.#room.custody.readBody(id) : () => body,
    }
  }
}

function groupByDestination(
  room: Room,
  due: readonly RecipientState[],
  way: ManualRoute | undefined,
): readonly Group[] {
  const groups = new Map<string, { destination: Destination; recipients: OutgoingRecipient[] }>()
  for (const one of due) {
    const destination = way === undefined ? room.routes.destinationOf(one.mailbox.domain) : destinationVia(way)
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
