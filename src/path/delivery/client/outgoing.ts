import { type Mailbox, formatMailbox } from '../../../standards/names/mailbox.ts'
import type { Notify } from '../../../standards/smtp/notify.ts'
import type { Capabilities } from './capabilities.ts'

/** A message as it goes on the wire, but for dots. */
export type Outgoing = {
  readonly reversePath: Mailbox | null
  readonly ret: 'FULL' | 'HDRS' | null
  readonly envid: string | null
  /** Octets with header section, empty line and body. */
  readonly size: number
  readonly eightBit: boolean
  /** Whether header section or reverse-path hold UTF-8 (RFC 6531). */
  readonly needsUtf8: boolean
  /** Header section with the empty line behind it. */
  readonly header: Buffer
  /** Can be read once for each transaction. */
  readonly body: () => Iterable<Buffer> | AsyncIterable<Buffer>
}

export type OutgoingRecipient = {
  readonly index: number
  readonly mailbox: Mailbox
  readonly notify: Notify | null
  readonly orcpt: string | null
}

/** MAIL with the parameters that the server understands. */
export function mailCommand(
  capabilities: Capabilities,
  message: Outgoing,
  recipients: readonly OutgoingRecipient[],
): string {
  const path = message.reversePath === null ? '' : formatMailbox(message.reversePath)
  const parameters: string[] = []
  if (capabilities.size !== 'absent') parameters.push(` SIZE=${message.size}`)
  if (capabilities.eightBitMime && message.eightBit) parameters.push(' BODY=8BITMIME')
  const needsUtf8 = message.needsUtf8 || recipients.some((one) => !isAscii(one.mailbox.localPart))
  if (capabilities.smtputf8 && needsUtf8) parameters.push(' SMTPUTF8')
  if (capabilities.dsn && message.ret !== null) parameters.push(` RET=${message.ret}`)
  if (capabilities.dsn && message.envid !== null) parameters.push(` ENVID=${message.envid}`)
  return `MAIL FROM:<${path}>${parameters.join('')}\r\n`
}

/** RCPT; the wishes for DSNs go along where they are understood (RFC 3461). */
export function rcptCommand(recipient: OutgoingRecipient, dsn: boolean): string {
  const { notify, orcpt } = recipient
  const wanted = !dsn || notify === null ? '' : ` NOTIFY=${typeof notify === 'string' ? notify : notify.join(',')}`
  const original = !dsn || orcpt === null ? '' : ` ORCPT=${orcpt}`
  return `RCPT TO:<${formatMailbox(recipient.mailbox)}>${wanted}${original}\r\n`
}

export function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
