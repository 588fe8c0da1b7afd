import type { Domain } from '../../standards/names/domain.ts'
import type { Reply } from '../../standards/smtp/reply.ts'
import type { Evidence, MessageClass } from '../evidence/evidence.ts'
import type { RuleId } from './rules.ts'

declare const permitted: unique symbol
declare const sealed: unique symbol

/** Sortable by time, 16 characters of lower-case Crockford base32: milliseconds (9), shard (2), counter and chance (5). Also the message's id in custody. */
export type DecisionId = string & { readonly decisionId: true }

/** What a permit says, as it is written into custody. Reading one back gives no power: `rejudge()` judges it again. */
export type PermitRecord = {
  readonly id: DecisionId
  readonly customer: string
  readonly source: string
  readonly grant: string
  /** The author domain: the `d=` of the signature. */
  readonly domain: Domain
  readonly class: MessageClass
  /** What `rejudge()` needs to find the same grant again. */
  readonly attribution: Attribution
  readonly policyVersion: number
  /** Milliseconds since the epoch. */
  readonly mintedAt: number
}

/** Whom the evidence proved: a source of the policy found by what the connection proved. */
export type Attribution =
  | {
      readonly kind: 'm365'
      readonly tenant: string
      readonly originator: Domain
      readonly connectingHost: string | null
    }
  /** The author domain, by its own signature on a message that came from Google. */
  | { readonly kind: 'google'; readonly domain: Domain }
  | { readonly kind: 'smtp-auth'; readonly account: string }
  | { readonly kind: 'mtls'; readonly fingerprint: string }
  | { readonly kind: 'network'; readonly address: string }
  | { readonly kind: 'self' }

/** The right to enter custody. Only `decide()` makes one. */
export type Permit = PermitRecord & { readonly [permitted]: true }

/**
 * The right to one signature: it binds customer, domain, source, selector, policy version and the signing input, and is good for 60 seconds.
 * Only `rejudge()` makes one; the signer checks `mac` under a key that lives for one boot.
 */
export type SealedPermit = {
  readonly customer: string
  readonly domain: Domain
  readonly source: string
  readonly selector: string
  readonly policyVersion: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** SHA-256 of the signing input. */
  readonly inputHash: Buffer
  readonly mac: Buffer
  readonly [sealed]: true
}

/** Counts already charged in the windows that end now; recipients and messages of the grant and of the customer's plan. */
export type Counters = {
  readonly grant: WindowCounts
  /** For `plan: trial`: all sources of the customer together. */
  readonly customer: WindowCounts
  /** How far this message has come in all its copies; null, or absent in older records: it is not of a kind that is told apart. */
  readonly copies?: CopyCounts | null
  /** Which limit that several relays share leaves nothing for this message, in words; null, or absent where one relay has it all: none. */
  readonly shared?: string | null
}

/** `reached`: distinct recipients within the last day; `fresh`: those of this envelope that are not among them. */
export type CopyCounts = { readonly reached: number; readonly fresh: number }

export type WindowCounts = {
  readonly messagesLastHour: number
  readonly messagesLastDay: number
  readonly recipientsLastHour: number
  readonly recipientsLastDay: number
}

export type Decision = {
  readonly id: DecisionId
  readonly rule: RuleId
  readonly reply: Reply
  readonly facts: DecisionFacts
} & (
  | { readonly verdict: 'relay'; readonly permit: Permit }
  | { readonly verdict: 'hold'; readonly permit: Permit; readonly holdReason: string }
  | { readonly verdict: 'refuse' | 'defer' }
)

/** Enough to judge again: with the policy of `policyVersion` these give the same verdict. Plain JSON. */
export type DecisionFacts = {
  /** At MAIL and RCPT only a few rules may answer. */
  readonly at: 'mail' | 'rcpt' | 'data'
  readonly evidence: Evidence
  /** What went wrong on our side, or null. */
  readonly systemFault: string | null
  /** 0 when there was no policy to judge by. */
  readonly policyVersion: number
  readonly standing: StandingFacts
  readonly counters: Counters
  /** Absent where no recipient was on a list. */
  readonly suppressed?: SuppressedFacts
  /** Milliseconds since the epoch: the `now` of the decision. */
  readonly now: number
  /** The customer who must know of it: the owner of the author domain, else of the source. */
  readonly customer: string | null
  readonly source: string | null
  readonly grant: string | null
  /** The rule in this message's own words: names, values, what was expected. */
  readonly because: string
}

/** A decision as it stands in the ledger: the detail of a `decision` event. */
export type DecisionRecord = DecisionFacts & {
  readonly verdict: Decision['verdict']
  readonly rule: RuleId
  /** The reply line without its CRLF. */
  readonly reply: string
}

/** Which recipients are on the suppression list of the customer whom the connection proves; addresses as `formatMailbox` writes them. */
export type SuppressedFacts = { readonly customer: string; readonly recipients: readonly string[] }

/** What standing says about this source at this moment. */
export type StandingFacts = {
  readonly suspended: { readonly reason: string } | null
  /** A hold that standing or an incident asks for. */
  readonly hold: { readonly reason: string } | null
}
