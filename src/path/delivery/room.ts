import type { Clock } from '../../platform/clock.ts'
import type { Dns } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import type { Signer } from '../../signer/protocol.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { Custody, Entry, StoredMessage } from '../custody/custody.ts'
import type { DecisionId, SealedPermit } from '../decision/decision.ts'
import type { Rejudgement, Renewed } from '../decision/rejudge.ts'
import type { Outbound } from './client/outbound.ts'
import type { ReturnAddress } from './client/outgoing.ts'
import type { SignatureMemory } from './outbound/signatures.ts'
import type { WarmUpBook } from './egress/warm-up.ts'
import type { Protections } from './protection/protections.ts'
import type { RouteTable } from './routing/route.ts'
import type { DeliverySettings } from './settings.ts'
import type { ShapingChoice } from './shaping/face.ts'

export type SigningKey = Renewed['keys'][number]

/** Mail of our own (a DSN) before it is judged. Its reverse-path is null. */
export type OwnMessage = {
  readonly recipient: Mailbox
  /** Header section without the empty line, as in `ReceivedMessage`. */
  readonly header: Buffer
  readonly body: readonly Buffer[]
  readonly eightBit: boolean
  readonly smtputf8: boolean
  /** What it reports on was sent with REQUIRETLS, and so is it (RFC 8689 §5). */
  readonly requireTls?: boolean
  /** The message that it reports on; null where it is about no message. */
  readonly about: DecisionId | null
}

/** Own mail that `decide()` let pass, and the events of that decision: both are written with the outcomes that caused it. */
export type AdmittedOwn = { readonly entry: Entry; readonly events: readonly LedgerEvent[] }

/** What the rest of the program gives to delivery: it makes no permit, holds no key and reads no policy itself. */
export type DeliveryOptions = {
  readonly custody: Custody
  readonly signer: Signer
  /** Judges the stored permit by the policy and the standing of this moment. */
  readonly rejudge: (message: StoredMessage) => Rejudgement
  readonly seal: (permit: Renewed, key: SigningKey, signingInput: Buffer) => SealedPermit
  /** Has own mail judged as source `self`; null when it was refused (its events, if any, are then the judge's own affair). */
  readonly admitOwn: (own: OwnMessage) => Promise<AdmittedOwn | null>
  /** Under which addresses reports about a message come back to us; null, or absent: its reverse-path goes out as it came. */
  readonly returnAddress?: (message: StoredMessage) => ReturnAddress | null
  readonly dns: Dns
  /** Which protection servers are owed that DNS names; absent: none is looked up. */
  readonly protections?: Protections
  /** The pool of our addresses that the policy of this moment names for a message; null where it names none. */
  readonly poolOf?: (message: StoredMessage) => string | null
  /** What becomes of a recipient that is on the customer's suppression list now; null for one that is not. */
  readonly suppressed?: (message: StoredMessage, recipient: Mailbox) => 'refuse' | 'discard' | null
  /** What those of our addresses have sent that are still warming up. */
  readonly warmth?: WarmUpBook
  /** How receivers are treated; absent: all by the settings' limits, and by the retry clock alone. */
  readonly shaping?: ShapingChoice
  readonly clock: Clock
  readonly log: Log
  readonly settings: DeliverySettings
  readonly hostname: string
  /** Whose postmaster signs our reports. */
  readonly operatorDomain: Domain
  /** From 0 up to but not including 1; Math.random unless a test says otherwise. */
  readonly random?: () => number
}

/** The options, and what the room keeps between messages. */
export type Room = DeliveryOptions & {
  readonly outbound: Outbound
  readonly routes: RouteTable
  readonly signatures: SignatureMemory
  readonly random: () => number
  /** Set when connections were cut to stop in time: what failed then says nothing about its destination. */
  readonly stopping: { aborted: boolean }
}
