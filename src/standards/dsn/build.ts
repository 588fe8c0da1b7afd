import { isSyntaxFault } from '../fault.ts'
import { formatDateTime } from '../message/date-time.ts'
import { fieldValue, fieldsNamed, hasEightBit, scanHeaderSection } from '../message/header-section.ts'
import { formatMailbox } from '../names/mailbox.ts'
import { humanPart } from './human-part.ts'
import type { BuiltDsn, DsnReport } from './report.ts'
import { statusPart } from './status-part.ts'
import { base64Lines, foldedField, isAscii } from './text.ts'

/**
 * A delivery status notification (RFC 3464) in its multipart/report (RFC 6522): for people, for machines, and what it is about.
 * When UTF-8 addresses or header fields are in it, the parts are those of RFC 6533, in base64, so that only a UTF-8 address of
 * the one it goes to asks for SMTPUTF8.
 */
export function buildDsn(report: DsnReport): BuiltDsn {
  const international = isInternational(report)
  const parts = [textPart(report), machinePart(report, international), returnedPart(report, international)]
  const body: Buffer[] = []
  for (const part of parts) body.push(ascii(`--${report.boundary}\r\n`), ...part, ascii('\r\n'))
  body.push(ascii(`--${report.boundary}--\r\n`))
  const header = Buffer.from(topFields(report, international), 'utf8')
  return { header, body, eightBit: hasEightBit(header) || body.some(hasEightBit), smtputf8: hasEightBit(header) }
}

function isInternational(report: DsnReport): boolean {
  const addresses = [report.to, ...report.recipients.map((one) => one.mailbox)]
  if (addresses.some((mailbox) => !isAscii(formatMailbox(mailbox)))) return true
  return report.original.smtputf8 && hasEightBit(report.original.header)
}

function topFields(report: DsnReport, international: boolean): string {
  const about = originalMessageId(report.original.header)
  return [
    foldedField('From', `MAILER-DAEMON <postmaster@${report.operatorDomain}>`),
    foldedField('To', `<${formatMailbox(report.to)}>`),
    foldedField('Subject', subject(report)),
    foldedField('Date', formatDateTime(report.at)),
    foldedField('Message-ID', `<${report.messageId}>`),
    about === null ? '' : foldedField('In-Reply-To', about) + foldedField('References', about),
    // RFC 3834 §5: nobody's automatic responder answers this.
    foldedField('Auto-Submitted', 'auto-replied'),
    foldedField('MIME-Version', '1.0'),
    `Content-Type: multipart/report; report-type=${international ? 'global-' : ''}delivery-status;\r\n`,
    ` boundary="${report.boundary}"\r\n`,
  ].join('')
}

function subject(report: DsnReport): string {
  const actions = new Set(report.recipients.map((one) => one.action))
  if (actions.has('failed')) return 'Undelivered mail: your message was not delivered'
  if (actions.has('delayed')) return 'Delayed mail: your message is still being tried'
  return 'Delivery report for your message'
}

function textPart(report: DsnReport): readonly Buffer[] {
  const text = humanPart(report)
  if (isAscii(text)) return [ascii('Content-Type: text/plain; charset=us-ascii\r\n\r\n'), ascii(text)]
  return encoded('text/plain; charset=utf-8', Buffer.from(text, 'utf8'))
}

function machinePart(report: DsnReport, international: boolean): readonly Buffer[] {
  const text = statusPart(report)
  if (!international) return [ascii('Content-Type: message/delivery-status\r\n\r\n'), ascii(text)]
  return encoded('message/global-delivery-status', Buffer.from(text, 'utf8'))
}

/** The message itself or its header section (RFC 6522 §3 (3)), as it came to us. */
function returnedPart(report: DsnReport, international: boolean): readonly Buffer[] {
  const { header, body } = report.original
  const octets = body === null ? [header] : [header, ascii('\r\n'), ...body]
  if (international) {
    return encoded(body === null ? 'message/global-headers' : 'message/global', Buffer.concat(octets))
  }
  const type = body === null ? 'text/rfc822-headers' : 'message/rfc822'
  const coding = octets.some(hasEightBit) ? 'Content-Transfer-Encoding: 8bit\r\n' : ''
  return [ascii(`Content-Type: ${type}\r\n${coding}\r\n`), ...octets]
}

function encoded(type: string, bytes: Buffer): readonly Buffer[] {
  return [ascii(`Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n`), ascii(base64Lines(bytes))]
}

/** The Message-ID of the original, when it is one that can be repeated safely. */
function originalMessageId(header: Buffer): string | null {
  const section = scanHeaderSection(header)
  if (isSyntaxFault(section)) return null
  const [field, another] = fieldsNamed(section, 'message-id')
  if (field === undefined || another !== undefined) return null
  const value = fieldValue(section, field)
  return /^<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>$/.test(value) ? value : null
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
