import type { QueueEvent, QueueOperations } from './operations/queue.ts'
import type { ShapingOperations } from './operations/shaping.ts'
import type { CustomerOperations } from './operations/customers.ts'
import type { SuppressionOperations } from './operations/suppressions.ts'

/**
 * What people and programs can ask of a running Anechoic, as one interface: the HTTP API serves it, the command line asks for
 * it, over HTTP or, when no server runs, on the stores themselves. Shapes are those of the public contract: plain JSON.
 */
export interface Operations extends CustomerOperations, QueueOperations, ShapingOperations, SuppressionOperations {
  /** Replaces the policy by the text of a policy file. With `dryRun` only the plan is made. */
  applyPolicy(request: ApplyRequest): Promise<ApplyAnswer>
  /** The whole policy as YAML that applies again to an empty plan. */
  exportPolicy(): Promise<string>
  domains(): Promise<readonly DomainRow[]>
  /** A domain, of whichever customers, with what happened to its proof; empty when nobody has it. */
  domain(name: string): Promise<readonly DomainDetail[]>
  /** Looks the records that prove these domains up now, past every cache; null: of all. */
  checkDomains(names: readonly string[] | null): Promise<readonly DomainCheck[]>
  /** Finds out which Microsoft 365 tenants domains belong to; null: those that the policy names. */
  resolveSources(names: readonly string[] | null): Promise<readonly ResolvedDomain[]>
  seen(filter: { readonly customer: string | null }): Promise<readonly SeenRow[]>
  keys(): Promise<readonly KeyRow[]>
  /** Looks each key's record up now, past every cache. */
  checkKeys(): Promise<readonly KeyCheck[]>
  /** Has a successor made for each key that signs, of a domain or all, of a source or all. It signs until the record of the other was seen. */
  rotateKeys(request: RotateRequest): Promise<readonly RotatedKey[]>
  /** null: there is no such key, or it is revoked already. */
  revokeKey(request: RevokeRequest): Promise<RevokeAnswer | null>
  /** Takes keys that were made elsewhere; an answer for each, in order. */
  importKeys(request: {
    readonly keys: readonly ImportRequest[]
    readonly by: string
  }): Promise<readonly ImportAnswer[]>
  /** A part of a zone file: our zone, where customers' aliases lead, or what the owner of a domain publishes. */
  keyZone(request: { readonly domain: string | null; readonly form: 'cname' | 'txt' }): Promise<string>
  /** Wraps all keys anew under the key at another place, while no server runs. */
  rewrapKeys(to: string): Promise<{ readonly wrapped: number; readonly unopened: readonly string[] }>
  /** The life of a message told in words; null when nothing is known of the id. */
  why(id: string, options: { readonly replay: boolean }): Promise<Story | null>
  /** The ids of decisions about messages of this Message-ID, the newest days first. */
  idsOfMessageId(messageId: string): Promise<readonly string[]>
}

export type ApplyRequest = {
  readonly file: string
  readonly text: string
  readonly dryRun: boolean
  readonly by: string
}

export type ApplyAnswer =
  | {
      readonly kind: 'applied' | 'planned'
      readonly version: number
      readonly plan: readonly string[]
      /** What was found out about tenants that are new in it; absent when nothing was. */
      readonly notes?: readonly string[]
    }
  /** Each problem is `FILE:LINE:COLUMN path: message`. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  /** The policy file of the configuration is the authority. */
  | { readonly kind: 'read-only'; readonly file: string }

export type DnsRecord = { readonly name: string; readonly type: string; readonly value: string }

export type DomainRow = {
  readonly domain: string
  /** null: the operator's own. */
  readonly customer: string | null
  readonly proof: 'dns' | 'asserted'
  /** `unproven`, `proven`, `lapsing`, `lapsed`, `asserted`, or `refused` for a claim to a domain of another. */
  readonly state: string
  readonly since: string | null
  /** When the proof ends, or ended. */
  readonly lapses: string | null
  readonly lookedAt: string | null
  readonly seenAt: string | null
  /** What the last look found instead of the record, or what else stands against it. */
  readonly trouble: string | null
  readonly record: DnsRecord | null
  /** The domain at which reports about its mail come back to the relay, or null. */
  readonly returnPath: string | null
}

/** `seen`: whether the record was there when looked for just now. */
export type DomainCheck = DomainRow & {
  readonly seen: boolean
  readonly because: string
  /** What its owner must publish for the return path: MX and SPF. */
  readonly returnPathRecords: readonly (DnsRecord & { readonly seen: boolean; readonly because: string })[]
}

export type DomainDetail = DomainRow & { readonly events: readonly StoryEvent[] }

/** What is found out about a domain of Microsoft 365, and how. */
export type ResolvedDomain = {
  readonly domain: string
  readonly tenant: string | null
  /** Where that was read, or why it was not. */
  readonly tenantBy: string
  readonly initialDomain: string | null
  readonly initialDomainBy: string
  /** Sources of the policy that name the domain as an originator. */
  readonly sources: readonly { readonly customer: string; readonly source: string; readonly tenant: string }[]
}

export type KeyRow = {
  readonly domain: string
  readonly source: string
  readonly selector: string
  readonly algorithm: string
  /** pending, published, active, retiring, retired or revoked. */
  readonly state: string
  readonly record: DnsRecord
  /** What may be published once instead of the record: it leads into the relay's zone. */
  readonly delegation: DnsRecord
  /** What somebody has to do in DNS, in words; null when there is nothing. */
  readonly toDo: string | null
}

/** `fine`: what stands in DNS is what must stand there. */
export type KeyCheck = KeyRow & { readonly seen: boolean; readonly fine: boolean; readonly because: string }

export type RotateRequest = {
  readonly domain: string | null
  readonly source: string | null
  readonly dryRun: boolean
  readonly by: string
}

export type RotatedKey = KeyRow & {
  /** `asked`: a successor is made. `under-way`: there is one. `not-needed`: no grant asks for the key any more. */
  readonly outcome: 'asked' | 'under-way' | 'not-needed'
  readonly next: KeyRow | null
}

export type RevokeRequest = {
  readonly domain: string
  readonly selector: string
  readonly reason: string
  readonly dryRun: boolean
  readonly by: string
}

export type RevokeAnswer = {
  readonly kind: 'revoked' | 'planned'
  readonly key: KeyRow
  /** The key that signs in its place, or will; null when the policy asks for none, or it is not made yet. */
  readonly replacement: KeyRow | null
}

/** `source` null: the only one that is granted the domain. */
export type ImportRequest = {
  readonly domain: string
  readonly source: string | null
  readonly selector: string
  /** PEM, or base64 as mail programs keep it. */
  readonly privateKey: string
}

export type ImportAnswer =
  | { readonly kind: 'imported'; readonly key: KeyRow }
  | { readonly kind: 'refused'; readonly reason: string }

export type SeenRow = {
  readonly id: string
  readonly customer: string | null
  readonly kind: string
  readonly tenant: string | null
  readonly originator: string | null
  readonly class: string | null
  readonly connectingHost: string | null
  readonly authorDomains: readonly string[]
  readonly count: number
  readonly firstSeen: string
  readonly lastSeen: string
  readonly refusedBy: { readonly [rule: string]: number }
  readonly relation: string
  readonly [more: string]: unknown
}

export type StoryEvent = QueueEvent

export type Story = {
  readonly id: string
  readonly verdict: string
  readonly rule: string
  readonly reply: string
  /** The decision told line by line. */
  readonly words: readonly string[]
  readonly events: readonly StoryEvent[]
  readonly facts: unknown
  readonly replay: { readonly verdict: string; readonly rule: string; readonly same: boolean } | null
}

/** `unavailable`: what is needed is away. `not-allowed`: the token is not good for it. `usage`: asked wrongly. `fault`: ours. */
export type OperationErrorKind = 'unavailable' | 'not-allowed' | 'usage' | 'fault'

/** Why something could not be done; the message says what to do. */
export class OperationError extends Error {
  readonly kind: OperationErrorKind

  constructor(kind: OperationErrorKind, message: string) {
    super(message)
    this.name = 'OperationError'
    this.kind = kind
  }
}
