import { formatDateTime } from '../message/date-time.ts'
import { formatMailbox } from '../names/mailbox.ts'
import type { DsnAction, DsnRecipient, DsnReport } from './report.ts'
import { printable, wrap } from './text.ts'

/** The part for people: what happened, to whom, and what they can do, in plain English. Lines end in CRLF. */
export function humanPart(report: DsnReport): string {
  const lines = [`This is the mail system at ${report.hostname}.`, '']
  lines.push(...paragraph(`It is about the message that you sent at ${formatDateTime(report.arrivedAt)}.`))
  for (const action of ['failed', 'delayed', 'relayed', 'delivered', 'expanded'] as const) {
    const recipients = report.recipients.filter((one) => one.action === action)
    if (recipients.length > 0) lines.push(...section(action, recipients))
  }
  lines.push(...paragraph(closing(report)))
  return lines.map((line) => `${line}\r\n`).join('')
}

function section(action: DsnAction, recipients: readonly DsnRecipient[]): readonly string[] {
  const lines = [...paragraph(heading(action))]
  for (const one of recipients) {
    lines.push(`  <${formatMailbox(one.mailbox)}>`)
    lines.push(...wrap(whatWasSaid(one), 70).map((line) => `      ${line}`))
    lines.push(...wrap(`What you can do: ${advice(one)}`, 70).map((line) => `      ${line}`), '')
  }
  return lines
}

function heading(action: DsnAction): string {
  switch (action) {
    case 'failed':
      return 'It could NOT be delivered to these recipients, and we have stopped trying:'
    case 'delayed':
      return 'It has not been delivered to these recipients YET. We keep trying:'
    case 'relayed':
      return 'It was handed to a mail system that gives no delivery reports, for these recipients:'
    case 'delivered':
      return 'It was delivered to these recipients:'
    case 'expanded':
      return 'It was passed on to the members of these lists:'
    default:
      return action satisfies never
  }
}

function whatWasSaid(one: DsnRecipient): string {
  const said = printable(one.diagnostic)
  if (!one.fromRemote) return `What happened: ${said}`
  return one.remoteMta === null
    ? `The other side said: ${said}`
    : `The server ${printable(one.remoteMta)} said: ${said}`
}

/** What helps depends on the subject and detail of the status code (RFC 3463 §3). */
function advice(one: DsnRecipient): string {
  if (one.action === 'delayed') {
    const until = one.willRetryUntil === null ? '' : ` until ${formatDateTime(one.willRetryUntil)}`
    return `nothing for now. We go on trying${until}, and you will hear from us if it fails.`
  }
  if (one.action !== 'failed') return 'nothing. This is only a receipt.'
  const [, subject, detail] = one.status.split('.')
  if (one.status.endsWith('.4.6')) return 'the mail goes round in a circle. Tell the administrator of the recipient.'
  if (one.status.endsWith('.4.7'))
    return 'try again later, or reach the recipient in another way: the receiving system took no mail for too long.'
  if (detail === '4' && subject === '3') return 'send a smaller message, or share large files in another way.'
  if (subject === '1') return 'check the address for typing errors, and ask the recipient whether it is still in use.'
  if (subject === '2') return "tell the recipient in another way that their mailbox can't take mail."
  if (subject === '4') return 'check the part of the address behind the @, and try again later.'
  if (subject === '6') return 'send it in a simpler format: the receiving system does not take this one.'
  if (subject === '7') return 'ask your administrator or the recipient: a rule forbids this message.'
  return 'ask your administrator for help, and give them this report.'
}

function closing(report: DsnReport): string {
  const back = report.original.body === null ? 'The header of your message is' : 'Your message is'
  return `${back} attached. For help, write to postmaster@${report.operatorDomain} and attach this report.`
}

function paragraph(text: string): readonly string[] {
  return [...wrap(text, 76), '']
}
