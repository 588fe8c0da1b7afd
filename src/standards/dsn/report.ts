import type { Domain } from '../names/domain.ts'
import type { Mailbox } from '../names/mailbox.ts'

/** What became of a recipient (RFC 3464 §2.3.3). */
export type DsnAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

export type DsnRecipient = {
  readonly mailbox: Mailbox
  /** The ORCPT parameter as it was given, `addr-type;xtext` (RFC 3461 §4.2), or null. */
  readonly orcpt: string | null
  readonly action: DsnAction
  /** Enhanced status code (RFC 3463). */
  readonly status: string
  /** The host that we spoke to, or null when it never came to that. */
  readonly remoteMta: string | null
  /** The reply of that host or our own words, as one text. */
  readonly diagnostic: string
  /** Whether `diagnostic` is an SMTP reply of the remote host. */
  readonly fromRemote: boolean
  /** Milliseconds since the epoch. */
  readonly lastAttempt: number | null
  /** Until when we go on trying; for `delayed`. */
  readonly willRetryUntil: number | null
}

/** Everything a report says. Pure data: the moment, the Message-ID and the boundary come from the caller. */
export type DsnReport = {
  /** Our host name: Reporting-MTA. */
  readonly hostname: string
  /** Whose postmaster speaks. */
  readonly operatorDomain: Domain
  /** The reverse-path of the message that it is about; never null, since nothing is ever reported about a null one. */
  readonly to: Mailbox
  /** Without angle brackets. */
  readonly messageId: string
  /** Unguessable, letters and digits only. */
  readonly boundary: string
  readonly at: number
  readonly arrivedAt: number
  /** ENVID as it was given, in xtext (RFC 3461 §4.4), or null. */
  readonly envid: string | null
  readonly recipients: readonly DsnRecipient[]
  readonly original: {
    /** The header section, each line with its CRLF, without the empty line. */
    readonly header: Buffer
    /** The body when the whole message goes back, null when only its header section does. */
    readonly body: readonly Buffer[] | null
    readonly smtputf8: boolean
  }
}

/** A message ready for custody: header section without the empty line, and body. */
export type BuiltDsn = {
  readonly header: Buffer
  readonly body: readonly Buffer[]
  readonly eightBit: boolean
  readonly smtputf8: boolean
}
