import { isSyntaxFault } from '../../../standards/fault.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import { type Network, parseNetwork } from '../../../standards/names/ip.ts'
import { parseInstant } from '../document/instant.ts'
import type { CustomerDocument, DomainDocument, GrantDocument, SourceDocument } from '../document/schema.ts'
import { selfId } from '../document/self.ts'
import type { Proof } from '../store/proofs.ts'
import type { Customer, DomainProof, Grant, OwnedDomain, PoolChoice, Source } from '../policy.ts'

/** A customer as it is kept: what people wrote, and when each assertion was first made (milliseconds since the epoch). */
export type StoredCustomer = {
  readonly document: CustomerDocument
  readonly assertedAt: Readonly<Record<string, number>>
}

/** What is known of the DNS proof of a domain; null when it has none, not even a token. */
export type ProofOf = (domain: string) => Proof | null

/** How long an assertion stands without a proof. */
const assertionLifetime = 90 * 86_400_000

/** The customer as the path sees it. The document was read by the policy's schema; one that was not is a fault and throws. */
export function compileCustomer(stored: StoredCustomer, proofOf: ProofOf): Customer {
  const { document } = stored
  return {
    id: document.id,
    name: document.name,
    plan: document.plan,
    ...(document.suppression === undefined ? {} : { suppression: document.suppression }),
    ...(document.pool === undefined ? {} : { pool: document.pool as PoolChoice }),
    contacts: document.contacts,
    domains: document.domains.map((domain) => compileDomain(document.id, domain, stored, proofOf)),
    sources: document.sources.map((source) => compileSource(document.id, source)),
    grants: document.grants.map((grant) => compileGrant(document.id, grant)),
  }
}

/**
 * The built-in customer: our own notifications, for the operator's domain alone. Its proof is by DNS like any other, and nothing that
 * people write can stand in for it.
 */
export function selfCustomer(operator: Domain, proof: Proof | null): Customer {
  return {
    id: selfId,
    name: 'This relay',
    plan: 'standard',
    contacts: [],
    domains: [
      {
        customer: selfId,
        name: operator,
        proof: dnsProof(proof),
        includeSubdomains: false,
        dnsLock: false,
        algorithms: ['rsa'],
        returnPath: null,
      },
    ],
    sources: [{ customer: selfId, id: selfId, kind: 'self' }],
    grants: [
      {
        customer: selfId,
        id: selfId,
        source: selfId,
        domains: [operator],
        classes: ['notification'],
        evidence: { dkim: 'off', arc: 'off' },
        limits: compileLimits({}),
        approvedBy: 'the program',
        reason: 'delivery status notifications',
      },
    ],
  }
}

function compileDomain(
  customer: string,
  domain: DomainDocument,
  { assertedAt }: StoredCustomer,
  proofOf: ProofOf,
): OwnedDomain {
  return {
    customer,
    name: domain.name,
    proof: compileProof(domain, assertedAt[domain.name], proofOf),
    includeSubdomains: domain.includeSubdomains,
    dnsLock: domain.dnsLock,
    algorithms: domain.signing.algorithms.map((word) => (word === 'ed25519' ? word : 'rsa')),
    returnPath: domain.returnPath ?? null,
  }
}

function compileProof(domain: DomainDocument, assertedAt: number | undefined, proofOf: ProofOf): DomainProof {
  if (domain.proof === 'dns') return dnsProof(proofOf(domain.name))
  const until = domain.until === undefined ? Infinity : valid(parseInstant(domain.until))
  return {
    kind: 'asserted',
    approvedBy: domain.approvedBy ?? '',
    reason: domain.reason ?? '',
    // An assertion of which nobody knows the moment is over.
    lapsesAt: Math.min(until, (assertedAt ?? -assertionLifetime) + assertionLifetime),
  }
}

function dnsProof(proof: Proof | null): DomainProof {
  return {
    kind: 'dns',
    token: proof?.token ?? '',
    provedAt: proof?.provedAt ?? null,
    lapsesAt: proof?.lapsesAt ?? null,
  }
}

function compileSource(customer: string, source: SourceDocument): Source {
  switch (source.kind) {
    case 'm365':
      return {
        customer,
        id: source.id,
        kind: source.kind,
        tenant: source.tenant,
        originators: source.originators,
        initialDomain: source.initialDomain ?? null,
        hybridHosts: source.hybridHosts.map(network),
      }
    case 'google':
    case 'smtp-auth':
    case 'mtls':
      return { customer, ...source }
    case 'network':
      return {
        customer,
        id: source.id,
        kind: source.kind,
        networks: source.networks.map(network),
        leases: source.leases.map((lease) => ({
          address: lease.address,
          from: valid(parseInstant(lease.from)),
          until: valid(parseInstant(lease.until)),
        })),
      }
    default:
      return source satisfies never
  }
}

function compileGrant(customer: string, { pool, ...grant }: GrantDocument): Grant {
  const own = pool === undefined ? {} : { pool: pool as PoolChoice }
  return { ...grant, ...own, customer, limits: compileLimits(grant.limits) }
}

function compileLimits(limits: GrantDocument['limits']): Grant['limits'] {
  return {
    messagesPerHour: limits.messagesPerHour ?? null,
    messagesPerDay: limits.messagesPerDay ?? null,
    recipientsPerHour: limits.recipientsPerHour ?? null,
    recipientsPerDay: limits.recipientsPerDay ?? null,
    recipientsPerMessage: limits.recipientsPerMessage ?? null,
  }
}

function network(text: string): Network {
  return valid(parseNetwork(text))
}

function valid<T>(read: T): Exclude<T, { readonly fault: 'syntax' }> {
  if (isSyntaxFault(read)) throw new Error(`a stored policy is damaged: ${read.reason}`)
  return read as Exclude<T, { readonly fault: 'syntax' }>
}
