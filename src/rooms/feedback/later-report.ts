import type { DsnAction } from '../../standards/dsn/index.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'

/**
 * A report for the sender of a message about one of its recipients, in fields of ours: what came back was read, and nothing of its octets
 * is here but a status code and the words of a server. Plain JSON.
 */
export type LaterReport = {
  /** The piece of feedback behind it. */
  readonly piece: string
  /** The decision id of the message. */
  readonly about: string
  readonly customer: string
  readonly source: string
  /** The envelope sender of the message, as it came to us. */
  readonly to: Mailbox
  readonly recipient: Mailbox
  readonly action: DsnAction
  /** `5.1.1` */
  readonly status: string
  readonly remoteMta: string | null
  readonly diagnostic: string
  /** When we took the message, in milliseconds since the epoch. */
  readonly arrivedAt: number
  readonly original: OriginalMessage
}

/** What the ledger keeps of a message that is gone from the queue. */
export type OriginalMessage = {
  readonly messageId: string | null
  readonly subject: string | null
  readonly author: Mailbox | null
  readonly smtputf8: boolean
}
