import { hash } from 'node:crypto'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../../../standards/fault.ts'
import { type Mailbox, formatMailbox } from '../../../standards/names/mailbox.ts'
import { readPath } from '../../../standards/smtp/path.ts'

/** The first 64 bits of a digest, in two halves. */
export type AddressKey = { readonly high: number; readonly low: number }

/**
 * The form in which a recipient stands on a list: the local part as it is, which is its owner's to tell apart (RFC 5321 §2.4), and the
 * domain in lower case with A-labels.
 */
export function listedAddress(recipient: Mailbox): string {
  return formatMailbox(recipient)
}

/** Reads an address as people write it, into the form in which it is listed. */
export function readListedAddress(text: string): string | SyntaxFault {
  const read = readPath(`<${text}>`, 0)
  if (isSyntaxFault(read)) return syntaxFault('is no e-mail address')
  if (read.path.kind !== 'mailbox' || read.end !== text.length + 2) return syntaxFault('is no e-mail address')
  return listedAddress(read.path.mailbox)
}

/**
 * What stands for a customer's address in memory. Two addresses of one key are one in 2^64: whoever searches for one finds an address of
 * his own that is refused.
 */
export function addressKey(customer: string, address: string): AddressKey {
  const digest = hash('sha256', `${customer}\0${address}`, 'buffer')
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) }
}
