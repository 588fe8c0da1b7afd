import type { Claimed } from '../../standards/claim.ts'
import type { ListMark } from '../../standards/message/one-click.ts'
import type { ReceivedHop } from '../../standards/message/received.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { OwnerLock } from '../../standards/owner-lock/owner-lock.ts'
import type { TenantId } from '../../standards/names/tenant.ts'
import type { IngressFault } from '../ingress/index.ts'

declare const seal: unique symbol

/**
 * A fact that this room checked, and how. The seal is not exported, so no other room can write one down.
 * At run time it is plain data, which is what lets a decision be replayed from the ledger.
 */
export type Verified<T> = { readonly value: T; readonly proof: Proof; readonly [seal]: true }

export type Proof =
  | 'address-list' // the peer's address is in the provider's published list
  | 'client-certificate' // chain, dates and names verified by us
  | 'account' // SASL password verified by us
  | 'listed-address' // the peer's address is in the policy's list
  | 'stamped' // a trust field that occurs exactly once on a proven provider connection
  | 'signature' // a DKIM signature verified by us
  | 'built-in' // our own notifications

/** Everything gathered about one message. Plain data, JSON all through: it goes into the ledger and is judged again on replay. */
export type Evidence = {
  readonly fault: IngressFault | { readonly kind: 'storage-full' } | null
  readonly session: SessionEvidence
  readonly connection: ConnectionProof
  /** Present only when the connection proves Microsoft 365. */
  readonly m365: M365Evidence | null
  /** Present only when the connection proves Google. */
  readonly google: GoogleEvidence | null
  readonly envelope: EnvelopeEvidence
  /** null before the end of data, or when the header section could not be read. */
  readonly message: MessageEvidence | null
  /** What the owner of the author's domain allows in DNS; only where the policy puts the domain under a lock. */
  readonly lock?: LockEvidence
  /** What an unproven connection claimed about itself: kept for the record, worth nothing. */
  readonly claims: {
    readonly tenant: Claimed<string> | null
    readonly originator: Claimed<string> | null
  }
}

/** The owner's lock of one domain. That nobody has a record there is read, and allows nobody. */
export type LockEvidence =
  | { readonly kind: 'read'; readonly domain: Domain; readonly lock: OwnerLock }
  | { readonly kind: 'unavailable'; readonly domain: Domain; readonly because: string }

export type SessionEvidence = {
  readonly listener: string
  readonly client: IpAddress
  readonly greeting: Claimed<string> | null
  readonly tls: { readonly protocol: string; readonly cipher: string; readonly certificate: string | null } | null
}

/** Whom the connection proves. A provider's address is only ever that provider's kind of source. */
export type ConnectionProof =
  | {
      readonly kind: 'm365'
      readonly network: Verified<string>
      readonly certificate: Verified<string>
      /** The relay pool 40.95.0.0/16: Microsoft itself does not call the tenant the sender there. */
      readonly relayPool: boolean
      readonly fcrdns: 'pass' | 'fail' | 'unavailable' | 'off'
    }
  /** Google's own address: that is the provider, and says nothing of the Workspace. */
  | { readonly kind: 'google'; readonly network: Verified<string> }
  | { readonly kind: 'smtp-auth'; readonly account: Verified<string>; readonly source: SourceRef }
  | { readonly kind: 'mtls'; readonly fingerprint: Verified<string>; readonly source: SourceRef }
  | { readonly kind: 'network'; readonly address: Verified<IpAddress>; readonly source: SourceRef }
  | { readonly kind: 'self'; readonly operator: Verified<Domain> }
  | { readonly kind: 'unproven'; readonly because: string }
  | { readonly kind: 'lookup-failed'; readonly because: string }

export type SourceRef = { readonly customer: string; readonly source: string }

export type MessageClass = 'hosted' | 'hybrid' | 'forwarded' | 'notification' | 'unknown'

/** The trust fields of `threats.md` 2.2, read from raw bytes and believed only because the connection is Microsoft's. */
export type M365Evidence = {
  /** Lower-cased names of trust fields that occur more than once, or in a look-alike form. */
  readonly duplicates: readonly string[]
  /** Trust fields that are there once but hold no value of their grammar. */
  readonly malformed: readonly string[]
  readonly tenant: Verified<TenantId> | null
  readonly originator: Verified<Domain> | null
  /** X-OriginatorOrg of the consumer service (`….templateTenant`, outlook.com, hotmail.com, live.com) or the consumer tenant id. */
  readonly consumer: boolean
  readonly xoorg:
    | { readonly kind: 'absent' }
    | { readonly kind: 'malformed' }
    | { readonly kind: 'given'; readonly domain: Domain }
  readonly attributed: { readonly tenant: TenantId; readonly address: IpAddress; readonly helo: string } | null
  readonly authAs: 'internal' | 'anonymous' | 'other' | null
  readonly entity: 'hosted' | 'hybridonprem' | 'internet' | 'other' | null
  readonly senderAdCheck: string | null
  readonly networkMessageId: string | null
  /** Facts that contradict facts, in words; any one of them refuses the message. */
  readonly conflicts: readonly string[]
  /** What would be a conflict, but the DNS could not be asked whether it is genuine; in words. Any one of them puts the message off. */
  readonly doubts: readonly string[]
  readonly dkim: ProviderProof
  readonly arc: ProviderProof
  /** What was found on the signatures that were looked at, in words. */
  readonly findings: readonly string[]
}

/**
 * DKIM and ARC of the provider. `not-evaluated`: signatures are there and nobody asked for them, which satisfies no grant that requires
 * them. `none`: there are none of the kind. `temperror`: a key could not be looked up.
 */
export type ProviderProof = 'not-evaluated' | 'pass' | 'fail' | 'none' | 'temperror'

/** What tells one Workspace from another: nothing but the author domain's own signature. */
export type GoogleEvidence = {
  /** The author domain, once its own signature on this message was verified. */
  readonly domain: Verified<Domain> | null
  readonly dkim: ProviderProof
  /** The first octets of the signature, which is the same in every copy of the message. */
  readonly signature: string | null
  /** X-Relaying-Domain: unsigned text, good for a contradiction only. */
  readonly relayingDomain: string | null
  readonly duplicates: readonly string[]
  readonly conflicts: readonly string[]
  readonly doubts: readonly string[]
  readonly findings: readonly string[]
}

export type EnvelopeEvidence = {
  readonly reversePath: Mailbox | null
  readonly srsShaped: boolean
  readonly recipients: readonly Mailbox[]
  readonly smtputf8: boolean
}

export type MessageEvidence = {
  readonly size: number
  readonly class: MessageClass
  /** SHA-256 of the body under relaxed canonicalisation, in base64; of mail from a provider only. */
  readonly bodyHash?: string
  /** Why the header section is not acceptable at all, or null. */
  readonly malformed: string | null
  readonly author:
    | { readonly kind: 'mailbox'; readonly mailbox: Mailbox }
    | { readonly kind: 'malformed'; readonly reason: string }
  /** Domains of Sender and Resent-From mailboxes; an unreadable one is null. */
  readonly otherAuthors: readonly {
    readonly field: 'sender' | 'resent-from' | 'resent-sender'
    readonly domain: Domain | null
  }[]
  readonly report: boolean
  readonly automatic: boolean
  /** What it says of itself as a mailing; absent where it says nothing of it. */
  readonly list?: ListMark
  readonly subject: string | null
  readonly messageId: string | null
  /** Hops named by Received, for the record only. */
  readonly receivedCount: number
  /** The newest ten of them; absent in mail of our own. */
  readonly received?: readonly ReceivedHop[]
}
