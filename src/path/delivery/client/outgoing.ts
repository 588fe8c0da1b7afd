import { type Mailbox, formatMailbox } from '../../../standards/names/mailbox.ts'
import type { Notify } from '../../../standards/smtp/notify.ts'
import type { Capabilities } from './capabilities.ts'

/** A message as it goes on the wire, but for dots. */
export type Outgoing = {
  readonly reversePath: Mailbox | null
  /** The address of ours that stands for the reverse-path on the wire, or null: then it goes out as it came. */
  readonly returnAddress: ReturnAddress | null
  readonly ret: 'FULL' | 'HDRS' | null
  readonly envid: string | null
  /** REQUIRETLS (RFC 8689), which overrides `tlsOptional`: whether its header says `TLS-Required: No`. */
  readonly requireTls?: boolean
  readonly tlsOptional?: () => boolean
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

/** An address under which reports come back to us: for the one recipient of a transaction, or (null) for all of several. */
export type ReturnAddress = (recipient: number | null) => Mailbox

/** The reverse-path of a transaction with these recipients. The null reverse-path stays null. */
function reversePathFor(message: Outgoing, recipients: readonly OutgoingRecipient[]): string {
  const { reversePath, returnAddress } = message
  if (reversePath === null) return ''
  const [only, another] = recipients
  if (returnAddress === null) return formatMailbox(reversePath)
  return formatMailbox(returnAddress(only === undefined || another !== undefined ? null : only.index))
}

/** MAIL with the parameters that the server understands. */
export function mailCommand(
  capabilities: Capabilities,
  message: Outgoing,
  recipients: readonly OutgoingRecipient[],
): string {
  const path = reversePathFor(message, recipients)
  const parameters: string[] = []
  if (capabilities.size !== 'absent') parameters.push(` SIZE=${message.size}`)
  if (capabilities.eightBitMime && message.eightBit) parameters.push(' BODY=8BITMIME')
  const needsUtf8 = message.needsUtf8 || recipients.some((one) => !isAscii(one.mailbox.localPart))
  if (capabilities.smtputf8 && needsUtf8) parameters.push(' SMTPUTF8')
  if (capabilities.requireTls && message.requireTls === true) parameters.push(' REQUIRETLS')
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
