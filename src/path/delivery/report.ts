import { randomBytes } from 'node:crypto'
import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import { type DsnAction, buildDsn } from '../../standards/dsn/index.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'
import type { Entry, RecipientState, StoredMessage } from '../custody/custody.ts'
import type { OwnMessage, Room } from './room.ts'
import { eventAbout } from './event-about.ts'

/** What a sender must hear of one recipient. */
export type Notice = {
  readonly recipient: RecipientState
  readonly action: DsnAction
  readonly status: string
  readonly remoteMta: string | null
  readonly diagnostic: string
  readonly fromRemote: boolean
  readonly lastAttempt: number | null
  readonly willRetryUntil: number | null
}

/** A report in custody's terms, and what the ledger keeps of it. */
export type Report = { readonly follow: readonly Entry[]; readonly events: readonly LedgerEvent[] }

/** Recipients whose outcome is told in the event of a report; the report itself has all. */
const mostTold = 20

/** A message of more octets than this never goes back whole, whatever RET says. */
const maxReturned = 1_048_576

const nothing: Report = { follow: [], events: [] }

/**
 * The DSN for a set of notices, judged as mail of our own and ready to be stored. Never one for a null reverse-path (RFC 5321 §4.5.5).
 * Rejects when it could not be judged; then the notices are still owed.
 */
export async function reportOn(room: Room, message: StoredMessage, notices: readonly Notice[]): Promise<Report> {
  const { reversePath } = message.envelope
  if (reversePath === null || notices.length === 0) return nothing
  const own = await compose(room, message, notices, reversePath)
  const admitted = await room.admitOwn(own)
  const detail = {
    about: message.id,
    report: admitted?.entry.id ?? null,
    action: [...new Set(notices.map((one) => one.action))],
    recipients: notices.map((one) => formatMailbox(one.recipient.mailbox)),
    told: notices.slice(0, mostTold).map(({ recipient, action, status, diagnostic }) => ({
      recipient: formatMailbox(recipient.mailbox),
      action,
      status,
      reply: diagnostic,
    })),
  }
  const event = eventAbout(message, 'dsn', room.clock.now(), detail)
  if (admitted === null) return { follow: [], events: [event] }
  room.outbound.metrics.reports++
  const { id, permit } = admitted.entry
  const link: LedgerEvent = {
    kind: 'reports-on',
    at: event.at,
    id,
    customer: permit.customer,
    source: permit.source,
    detail: { about: message.id },
  }
  return { follow: [admitted.entry], events: [event, ...admitted.events, link] }
}

async function compose(
  room: Room,
  message: StoredMessage,
  notices: readonly Notice[],
  to: NonNullable<StoredMessage['envelope']['reversePath']>,
): Promise<OwnMessage> {
  const { envelope } = message
  // RFC 3461 §4.3: RET=FULL asks for the message in reports of failure; any other report has its header section alone.
  const whole = envelope.ret === 'FULL' && message.size <= maxReturned && notices.some((one) => one.action === 'failed')
  const built = buildDsn({
    hostname: room.hostname,
    operatorDomain: room.operatorDomain,
    to,
    messageId: `${randomBytes(12).toString('hex')}@${room.hostname}`,
    boundary: randomBytes(16).toString('hex'),
    at: room.clock.now(),
    arrivedAt: envelope.arrival.at,
    envid: envelope.envid,
    recipients: notices.map(({ recipient, ...notice }) => ({
      mailbox: recipient.mailbox,
      orcpt: recipient.orcpt,
      ...notice,
    })),
    original: { header: message.header, body: whole ? await bodyOf(room, message) : null, smtputf8: envelope.smtputf8 },
  })
  return { recipient: to, ...built, requireTls: envelope.requireTls === true, about: message.id }
}

/** A body that can't be read any more does not stop the report: its header section goes back alone. */
async function bodyOf(room: Room, message: StoredMessage): Promise<readonly Buffer[] | null> {
  try {
    const pieces: Buffer[] = []
    for await (const piece of room.custody.readBody(message.id)) pieces.push(piece)
    return pieces
  } catch (error) {
    room.log.warn('a body could not be read for a report', { id: message.id, error: String(error) })
    return null
  }
}
