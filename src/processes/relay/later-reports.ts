import { randomBytes } from 'node:crypto'
import type { Custody } from '../../path/custody/index.ts'
import type { DecisionId } from '../../path/decision/index.ts'
import type { Delivery, OwnMessage } from '../../path/delivery/index.ts'
import type { Path } from '../../path/path.ts'
import type { Clock } from '../../platform/clock.ts'
import type { LaterReport } from '../../rooms/feedback/index.ts'
import { buildDsn } from '../../standards/dsn/index.ts'
import { formatDateTime } from '../../standards/message/date-time.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'

export type LaterReportsOptions = {
  readonly path: Pick<Path, 'admitOwn'>
  readonly custody: Custody
  readonly delivery: Pick<Delivery, 'kick'>
  readonly hostname: Domain
  readonly operatorDomain: Domain
  readonly clock: Clock
}

/**
 * Stores a report about mail that is long gone, as a notification of our own: built here of the fields that control read, judged as source
 * `self` like any other, and in one transaction with the event that tells of it.
 */
export async function storeLaterReport(later: LaterReport, options: LaterReportsOptions): Promise<void> {
  const { path, custody, delivery, clock } = options
  const own = reportOf(later, options)
  const admitted = await path.admitOwn(own)
  if (admitted === null) throw new Error('the report was not admitted')
  const { about, piece, customer, source, action, recipient } = later
  const detail = { about, report: admitted.entry.id, action: [action], recipients: [formatMailbox(recipient)], piece }
  const event = { kind: 'dsn', at: clock.now(), id: about, customer, source, detail } as const
  const stored = await custody.accept(admitted.entry, [event, ...admitted.events])
  if (stored !== 'stored') throw new Error('there is no room for the report')
  delivery.kick()
}

function reportOf(later: LaterReport, { hostname, operatorDomain, clock }: LaterReportsOptions): OwnMessage {
  const { to, recipient, action, status, remoteMta, diagnostic, arrivedAt } = later
  const built = buildDsn({
    hostname,
    operatorDomain,
    to,
    messageId: `${randomBytes(12).toString('hex')}@${hostname}`,
    boundary: randomBytes(16).toString('hex'),
    at: clock.now(),
    arrivedAt,
    envid: null,
    recipients: [
      {
        mailbox: recipient,
        orcpt: null,
        action,
        status,
        remoteMta,
        diagnostic,
        fromRemote: true,
        lastAttempt: null,
        willRetryUntil: null,
      },
    ],
    original: { header: originalHeader(later), body: null, smtputf8: false },
  })
  return { recipient: to, ...built, about: later.about as DecisionId }
}

/** The message itself is gone; this much of its header section is in the ledger. */
function originalHeader({ original, recipient, arrivedAt }: LaterReport): Buffer {
  const { author, subject, messageId } = original
  const fields = [
    author === null ? '' : `From: <${formatMailbox(author)}>`,
    `To: <${formatMailbox(recipient)}>`,
    subject === null || subject === '' ? '' : `Subject: ${shown(subject)}`,
    `Date: ${formatDateTime(arrivedAt)}`,
    messageId === null || !/^[\x21-\x7e]{1,250}$/.test(messageId) ? '' : `Message-ID: ${messageId}`,
  ]
  const ascii = fields.filter((field) => /^[\x20-\x7e]+$/.test(field))
  return Buffer.from(ascii.map((field) => `${field}\r\n`).join(''))
}

/** RFC 2047 where it is not plain; long subjects are cut, since this is only to know the message by. */
function shown(subject: string): string {
  const plain = subject.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200)
  if (/^[\x20-\x7e]*$/.test(plain)) return plain
  return `=?utf-8?B?${Buffer.from(plain.slice(0, 15).toWellFormed(), 'utf8').toString('base64')}?=`
}
