import type { Domain } from '../../standards/names/domain.ts'
import type { IpAddress, Network } from '../../standards/names/ip.ts'
import type { TenantId } from '../../standards/names/tenant.ts'

/** Classes that a grant may name. `forwarded` and `unknown` are not among them: they are never signed. */
export type GrantableClass = 'hosted' | 'hybrid' | 'notification'

export type Customer = {
  readonly id: string
  readonly name: string
  readonly plan: 'standard' | 'trial'
  /** What becomes of a recipient on the suppression list; absent: `refuse`. */
  readonly suppression?: 'refuse' | 'discard'
  /** The pool of our addresses that its mail leaves from; absent: the default one. */
  readonly pool?: PoolChoice
  readonly contacts: readonly { readonly email: string; readonly language: 'en' | 'tr' }[]
  readonly domains: readonly OwnedDomain[]
  readonly sources: readonly Source[]
  readonly grants: readonly Grant[]
}

/** Names of pools: one, or one for each class of mail. */
export type PoolChoice = string | { readonly [messageClass in GrantableClass]?: string }

export type OwnedDomain = {
  readonly customer: string
  readonly name: Domain
  readonly proof: DomainProof
  readonly includeSubdomains: boolean
  readonly dnsLock: boolean
  readonly algorithms: readonly SigningAlgorithm[]
  readonly returnPath: Domain | null
}

export type SigningAlgorithm = 'rsa' | 'ed25519'

export type DomainProof =
  | { readonly kind: 'dns'; readonly token: string; readonly provedAt: number | null; readonly lapsesAt: number | null }
  /** `lapsesAt` is the earlier of `until` and 90 days after the assertion, in milliseconds since the epoch. */
  | { readonly kind: 'asserted'; readonly approvedBy: string; readonly reason: string; readonly lapsesAt: number }

export type Source = { readonly customer: string; readonly id: string } & (
  | {
      readonly kind: 'm365'
      readonly tenant: TenantId
      readonly originators: readonly Domain[]
      readonly initialDomain: Domain | null
      readonly hybridHosts: readonly Network[]
    }
  | { readonly kind: 'google'; readonly workspaceDomain: Domain }
  | { readonly kind: 'smtp-auth'; readonly username: string; readonly passwordHash: string }
  | { readonly kind: 'mtls'; readonly fingerprints: readonly string[] }
  | { readonly kind: 'network'; readonly networks: readonly Network[]; readonly leases: readonly Lease[] }
  | { readonly kind: 'self' }
)

export type Lease = { readonly address: IpAddress; readonly from: number; readonly until: number }

export type Grant = {
  readonly customer: string
  readonly id: string
  readonly source: string
  readonly domains: readonly Domain[]
  readonly classes: readonly GrantableClass[]
  readonly evidence: { readonly dkim: EvidenceDemand; readonly arc: EvidenceDemand }
  readonly limits: GrantLimits
  /** In place of the customer's. */
  readonly pool?: PoolChoice
  readonly approvedBy: string
  readonly reason: string
}

export type EvidenceDemand = 'off' | 'prefer' | 'require'

/** null: the grant sets no limit of its own. */
export type GrantLimits = {
  readonly messagesPerHour: number | null
  readonly messagesPerDay: number | null
  readonly recipientsPerHour: number | null
  readonly recipientsPerDay: number | null
  readonly recipientsPerMessage: number | null
}

/** A key that may sign now: made, and its record seen in DNS. The private half is with the signer only. */
export type ActiveKey = {
  readonly domain: Domain
  readonly source: string
  readonly customer: string
  readonly selector: string
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
}

/** All customers by their ids. Going through them reads each anew: two of its answers for one customer are equal and not the same. */
export type CustomerBook = Pick<ReadonlyMap<string, Customer>, 'get' | 'has' | 'size'> & {
  keys(): Iterable<string>
  values(): Iterable<Customer>
}

/**
 * The policy at one version: immutable, each look-up O(1) whatever the number of customers.
 * A look-up that finds nothing answers null, and null is always "no".
 */
export interface PolicySnapshot {
  readonly version: number
  readonly customers: CustomerBook
  /** The owner of a domain: exact, or the nearest parent that has `includeSubdomains`. */
  ownerOf(domain: Domain): OwnedDomain | null
  /** The m365 source with this tenant id and this originator domain. */
  m365Source(tenant: TenantId, originator: Domain): Source | null
  /** The Workspace that may sign for this domain: one of its owner's that the domain or the owned domain above it is granted to, or that is named so. */
  googleSource(domain: Domain): Extract<Source, { kind: 'google' }> | null
  accountSource(username: string): Extract<Source, { kind: 'smtp-auth' }> | null
  fingerprintSource(fingerprint: string): Source | null
  networkSource(address: IpAddress, now: number): Source | null
  /** The grant of a source for an author domain: the domain as granted, or (by `ownerOf`) below a granted parent with `includeSubdomains`. */
  grantFor(customer: string, source: string, domain: Domain): Grant | null
  /** Keys that may sign for (domain, source), RSA first: its own, or those of the owned parent that includes it; empty when none is active. */
  activeKeys(customer: string, source: string, domain: Domain): readonly ActiveKey[]
}
