import { getDomain } from 'tldts'
import type { StoredEvent } from '../../ledger/index.ts'
import { type BigReceiver, bigReceiverOf } from './big-receivers.ts'

/** What a decision that took a message says of it as mail to many. */
export type Mailing = {
  readonly id: string
  readonly at: number
  readonly customer: string
  readonly source: string
  /** The author domain as receivers count it: the organisational one. */
  readonly domain: string
  /** Author and subject, digits apart: what the messages of one mailing have in common. */
  readonly shape: string
  readonly recipients: number
  readonly atBig: ReadonlyMap<BigReceiver, number>
  /** Marked as one of a list. */
  readonly marked: boolean
  readonly oneClick: string
}

type Address = { readonly localPart?: unknown; readonly domain?: unknown }

/** Reads what the record of a decision holds of this; null for what is no mail of a customer that was taken. The shape is that of `recordOf`. */
export function mailingOf({ kind, id, at, customer, source, detail }: StoredEvent): Mailing | null {
  if (kind !== 'decision' || customer === null || source === null || source === 'self') return null
  if (detail['verdict'] !== 'relay' && detail['verdict'] !== 'hold') return null
  const { message, envelope } = detail['evidence'] as {
    readonly message?: {
      readonly author?: { readonly mailbox?: Address }
      readonly subject?: string | null
      readonly list?: { readonly marked: boolean; readonly oneClick: string }
    } | null
    readonly envelope?: { readonly recipients?: readonly Address[] }
  }
  const author = message?.author?.mailbox
  const recipients = envelope?.recipients ?? []
  if (typeof author?.domain !== 'string' || recipients.length === 0) return null
  const atBig = new Map<BigReceiver, number>()
  for (const one of recipients) {
    const big = typeof one.domain === 'string' ? bigReceiverOf(one.domain) : null
    if (big !== null) atBig.set(big, (atBig.get(big) ?? 0) + 1)
  }
  return {
    id,
    at,
    customer,
    source,
    domain: getDomain(author.domain) ?? author.domain,
    shape: `${String(author.localPart)}@${author.domain} ${(message?.subject ?? '').replace(/\d+/g, '#')}`,
    recipients: recipients.length,
    atBig,
    marked: message?.list?.marked ?? false,
    oneClick: message?.list?.oneClick ?? 'none',
  }
}
