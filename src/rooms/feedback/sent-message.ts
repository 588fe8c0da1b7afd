import type { LedgerEvent } from '../ledger/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type Mailbox, formatMailbox } from '../../standards/names/mailbox.ts'
import type { OriginalMessage } from './later-report.ts'

/** A message that we took, as its decision in the ledger tells it. */
export type SentMessage = {
  readonly id: string
  readonly customer: string
  readonly source: string
  readonly at: number
  readonly reversePath: Mailbox | null
  /** In the order of the envelope. */
  readonly recipients: readonly Mailbox[]
  readonly original: OriginalMessage
}

/** Reads it from the events of an id; null when nothing was taken under it, or it was a report of our own. */
export function sentMessageOf(events: readonly LedgerEvent[]): SentMessage | null {
  const decision = events.find((event) => event.kind === 'decision')
  if (decision === undefined || decision.customer === null || decision.source === null) return null
  const { verdict, evidence } = decision.detail
  if ((verdict !== 'relay' && verdict !== 'hold') || decision.source === 'self') return null
  const envelope = at(evidence, 'envelope')
  const message = at(evidence, 'message')
  const recipients = at(envelope, 'recipients')
  return {
    id: decision.id,
    customer: decision.customer,
    source: decision.source,
    at: decision.at,
    reversePath: mailboxOf(at(envelope, 'reversePath')),
    recipients: Array.isArray(recipients) ? recipients.flatMap((one) => mailboxOf(one) ?? []) : [],
    original: {
      messageId: textOf(at(message, 'messageId')),
      subject: textOf(at(message, 'subject')),
      author: mailboxOf(at(at(message, 'author'), 'mailbox')),
      smtputf8: at(envelope, 'smtputf8') === true,
    },
  }
}

/** The recipient of this address, whatever its case; null when it was none of them. */
export function recipientOf({ recipients }: SentMessage, address: string | null): Mailbox | null {
  if (address === null) return null
  const wanted = address.toLowerCase()
  return recipients.find((one) => formatMailbox(one).toLowerCase() === wanted) ?? null
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly [key: string]: unknown })[key] : undefined
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function mailboxOf(value: unknown): Mailbox | null {
  const localPart = at(value, 'localPart')
  const domain = at(value, 'domain')
  // What stands in the ledger was read by our own parser when the message came.
  return typeof localPart === 'string' && typeof domain === 'string' ? { localPart, domain: domain as Domain } : null
}
