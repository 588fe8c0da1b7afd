import type { RecipientState, StoredMessage } from '../custody/custody.ts'
import { type Arrival, Carriage } from './carriage.ts'
import { prepare } from './outbound/prepare.ts'
import type { Room } from './room.ts'
import { eventAbout } from './event-about.ts'
import { endSuppressed } from './suppressed.ts'
import { type Settled, persist, settle } from './write-down.ts'

/** How a message left our hands. */
export type Carried =
  | Settled
  | { readonly kind: 'nothing-due' }
  /** The judgement fell while it waited for a connection: it is to be carried again at once. */
  | { readonly kind: 'superseded' }
  /** Nothing more was tried and no retry clock was touched: it is to be carried again soon. */
  | { readonly kind: 'our-fault'; readonly because: string }

/**
 * Carries a message to all destinations that are due: judge, sign, send, settle. `body` is its body where we still have it in
 * memory; otherwise it is read from custody as it is sent.
 */
export async function carry(room: Room, message: StoredMessage, body: readonly Buffer[] | null): Promise<Carried> {
  const now = room.clock.now()
  const pending = message.recipients.filter((one) => one.state === 'pending' && one.dueAt <= now)
  if (message.hold !== null || pending.length === 0) return { kind: 'nothing-due' }
  const { due, followed } = await endSuppressed(room, message, pending)
  if (due.length === 0) return { kind: 'settled', followed, dueAt: nextOf(message, pending) }
  const carried = await carryTo(room, message, due, body)
  return followed && carried.kind === 'settled' ? { ...carried, followed } : carried
}

async function carryTo(
  room: Room,
  message: StoredMessage,
  due: readonly RecipientState[],
  body: readonly Buffer[] | null,
): Promise<Carried> {
  const now = room.clock.now()
  const prepared = await prepare(room, message)
  switch (prepared.kind) {
    case 'ready':
      return arrived(room, message, await new Carriage(room, message, prepared, body).run(due, nextOf(message, due)))
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

async function arrived(room: Room, message: StoredMessage, arrival: Arrival): Promise<Carried> {
  switch (arrival.kind) {
    case 'settled':
    case 'superseded':
      return arrival
    case 'undisciplined':
      return putOnHold(room, message, 'system-fault', arrival.because)
    case 'unreadable':
      return { kind: 'our-fault', because: arrival.because }
    case 'stopped':
      return { kind: 'our-fault', because: 'stopped before it was done' }
    default:
      return arrival satisfies never
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
  await persist(room, () => room.custody.hold(message.id, { reason: `${rule}: ${because}`, until }, [event]))
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
