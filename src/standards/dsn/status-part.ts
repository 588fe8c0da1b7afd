import { formatDateTime } from '../message/date-time.ts'
import { formatMailbox } from '../names/mailbox.ts'
import { decodeXtext } from '../smtp/xtext.ts'
import { isSyntaxFault } from '../fault.ts'
import type { DsnRecipient, DsnReport } from './report.ts'
import { foldedField, isAscii, printable } from './text.ts'

/** The part for machines (RFC 3464 §2): per-message fields, then a group of fields for each recipient. Lines end in CRLF. */
export function statusPart(report: DsnReport): string {
  const envid = report.envid === null ? null : xtextValue(report.envid)
  const message = [
    envid === null ? '' : foldedField('Original-Envelope-Id', envid),
    foldedField('Reporting-MTA', `dns; ${report.hostname}`),
    foldedField('Arrival-Date', formatDateTime(report.arrivedAt)),
  ]
  return [message.join(''), ...report.recipients.map(recipientFields)].join('\r\n')
}

function recipientFields(one: DsnRecipient): string {
  const address = formatMailbox(one.mailbox)
  const original = one.orcpt === null ? null : originalRecipient(one.orcpt)
  return [
    original === null ? '' : foldedField('Original-Recipient', original),
    // RFC 6533 §3: the type `utf-8` is for addresses that rfc822 cannot hold.
    foldedField('Final-Recipient', `${isAscii(address) ? 'rfc822' : 'utf-8'}; ${address}`),
    foldedField('Action', one.action),
    foldedField('Status', one.status),
    one.remoteMta === null ? '' : foldedField('Remote-MTA', `dns; ${printable(one.remoteMta)}`),
    // RFC 3464 §2.3.6: `smtp` is for replies of a server; what we say ourselves is of a type of our own.
    foldedField('Diagnostic-Code', `${one.fromRemote ? 'smtp' : 'x-anechoic'}; ${printable(one.diagnostic)}`),
    one.lastAttempt === null ? '' : foldedField('Last-Attempt-Date', formatDateTime(one.lastAttempt)),
    one.willRetryUntil === null ? '' : foldedField('Will-Retry-Until', formatDateTime(one.willRetryUntil)),
  ].join('')
}

/** RFC 3461 §6.3: the field repeats ORCPT with its xtext decoded. What does not decode to visible text is left out. */
function originalRecipient(orcpt: string): string | null {
  const semicolon = orcpt.indexOf(';')
  const type = orcpt.slice(0, semicolon)
  if (semicolon === -1 || !/^[A-Za-z0-9-]{1,40}$/.test(type)) return null
  const address = xtextValue(orcpt.slice(semicolon + 1))
  return address === null ? null : `${type}; ${address}`
}

function xtextValue(xtext: string): string | null {
  const text = decodeXtext(xtext)
  return isSyntaxFault(text) || !/^[\x21-\x7e\u0080-\u{10ffff}][\x20-\x7e\u0080-\u{10ffff}]*$/u.test(text) ? null : text
}
