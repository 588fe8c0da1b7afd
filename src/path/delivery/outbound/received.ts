import { isSyntaxFault } from '../../../standards/fault.ts'
import { formatDateTime } from '../../../standards/message/date-time.ts'
import { parseDomain } from '../../../standards/names/domain.ts'
import { formatMailbox } from '../../../standards/names/mailbox.ts'
import type { StoredMessage } from '../../custody/custody.ts'

/**
 * Our trace field (RFC 5321 §4.4): from whom it came, how, under which id, and when. It says for whom only when there was one
 * recipient, since it would betray the others (RFC 5321 §7.2). It is the same at every attempt.
 */
export function receivedField(message: StoredMessage, hostname: string): Buffer {
  const { arrival, smtputf8 } = message.envelope
  const by = `by ${hostname} (Anechoic) with ${arrival.protocol === 'local' ? 'local' : arrival.protocol} id ${message.id}`
  const lines = arrival.protocol === 'local' ? [`Received: ${by}`] : [`Received: from ${fromClause(message)}`]
  const tls = arrival.tls === null ? '' : comment(arrival.tls)
  if (tls !== '') lines.push(`(using ${tls})`)
  if (arrival.protocol !== 'local') lines.push(by)
  const [only, another] = message.recipients
  if (only !== undefined && another === undefined) {
    const address = formatMailbox(only.mailbox)
    if (smtputf8 || /^[\x20-\x7e]*$/.test(address)) lines.push(`for <${address}>`)
  }
  const text = `${lines.join('\r\n\t')};\r\n\t${formatDateTime(arrival.at)}\r\n`
  return Buffer.from(text, 'utf8')
}

/** The name that the client gave, when it is one, and the address that we saw. */
function fromClause(message: StoredMessage): string {
  const { client, greeting } = message.envelope.arrival
  const literal = client.includes(':') ? `[IPv6:${client}]` : `[${client}]`
  const name = parseDomain(greeting)
  if (!isSyntaxFault(name)) return `${name} (${literal})`
  return /^\[[A-Za-z0-9.:-]{1,80}\]$/.test(greeting) ? `${greeting} (${literal})` : `${literal} (greeting malformed)`
}

/** What may stand in a comment and needs no quoting there. */
function comment(text: string): string {
  return text.replace(/[^A-Za-z0-9._,:=+/ -]+/g, '').slice(0, 120)
}
