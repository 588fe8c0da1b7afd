import type { Grant, OwnedDomain, PolicySnapshot, Source } from '../../rooms/registry/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { parseIp } from '../../standards/names/ip.ts'
import { parseTenantId } from '../../standards/names/tenant.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { grantOf } from './authority.ts'
import type { Attribution } from './decision.ts'

/** The source id, and the customer where the operator domain is nobody's, of the mail that we write ourselves. */
export const self = 'self'

/** Whom a message concerns: what the connection proves, and what the policy says of that. Nothing here comes from a claim. */
export type Subject = {
  readonly attribution: Attribution | null
  readonly source: Source | null
  readonly author: Domain | null
  readonly owned: OwnedDomain | null
  readonly grant: Grant | null
}

/** Reads the subject off the evidence: the path asks it for the standing and the counters that `decide()` is to be given. */
export function subjectOf(evidence: Evidence, policy: PolicySnapshot | null, now: number): Subject {
  const attribution = attributionOf(evidence)
  const author = evidence.message?.author.kind === 'mailbox' ? evidence.message.author.mailbox.domain : null
  if (policy === null) return { attribution, source: null, author, owned: null, grant: null }
  const source = attribution === null ? null : sourceOf(attribution, evidence, policy, now)
  const owned = author === null ? null : policy.ownerOf(author)
  const grant =
    source === null || owned === null || author === null || source.kind === self
      ? null
      : grantOf(policy, source, owned, author)
  return { attribution, source, author, owned, grant }
}

/** The key under which standing is kept: the tenant for Microsoft 365, whoever its customer is; else the source. Null when nobody is proven. */
export function standingKeyOf(subject: Subject): string | null {
  if (subject.attribution === null) return null
  if (subject.attribution.kind === 'm365') return subject.attribution.tenant
  return subject.source === null ? null : `${subject.source.customer}/${subject.source.id}`
}

/** The keys under which a message is counted, or null when there is no grant to count against. */
export function counterKeysOf(subject: Subject): { readonly grant: string; readonly customer: string } | null {
  if (subject.grant === null) return null
  const { customer, id } = subject.grant
  return { grant: `grant/${customer}/${id}`, customer: `customer/${customer}` }
}

/**
 * What names all copies of a message: the id that Exchange Online gave it, or the signature that a Workspace made, with the hash of its body.
 * Null when there is nothing to tell copies by, or no grant under which they could go out.
 */
export function copyKeyOf(subject: Subject, { m365, google, message }: Evidence): string | null {
  const id = m365?.networkMessageId ?? google?.signature ?? null
  if (subject.grant === null || id === null || message?.bodyHash === undefined) return null
  return `${subject.grant.customer} ${id} ${message.bodyHash}`
}

/** The source that an attribution finds in the policy at `now`, or null. Kinds never stand in for each other. */
export function findSource(attribution: Attribution, policy: PolicySnapshot, now: number): Source | null {
  const found = lookUp(attribution, policy, now)
  return found !== null && found.kind === attribution.kind ? found : null
}

function lookUp(attribution: Attribution, policy: PolicySnapshot, now: number): Source | null {
  switch (attribution.kind) {
    case 'm365': {
      const tenant = parseTenantId(attribution.tenant)
      return isSyntaxFault(tenant) ? null : policy.m365Source(tenant, attribution.originator)
    }
    case 'google':
      return policy.googleSource(attribution.domain)
    case 'smtp-auth':
      return policy.accountSource(attribution.account)
    case 'mtls':
      return policy.fingerprintSource(attribution.fingerprint)
    case 'network': {
      const address = parseIp(attribution.address)
      return isSyntaxFault(address) ? null : policy.networkSource(address, now)
    }
    case 'self':
      return null
    default:
      return attribution satisfies never
  }
}

function sourceOf(attribution: Attribution, evidence: Evidence, policy: PolicySnapshot, now: number): Source | null {
  const { connection } = evidence
  if (connection.kind === 'self') {
    return { kind: self, id: self, customer: policy.ownerOf(connection.operator.value)?.customer ?? self }
  }
  const found = findSource(attribution, policy, now)
  if (found === null || !('source' in connection)) return found
  return found.customer === connection.source.customer && found.id === connection.source.source ? found : null
}

/** Null when the connection proves nobody, or when its trust fields are not each there once and free of contradiction. */
function attributionOf({ connection, m365, google }: Evidence): Attribution | null {
  switch (connection.kind) {
    case 'm365': {
      if (m365 === null || m365.tenant === null || m365.originator === null) return null
      if (m365.duplicates.length > 0 || m365.conflicts.length > 0) return null
      return {
        kind: 'm365',
        tenant: m365.tenant.value,
        originator: m365.originator.value,
        connectingHost: m365.attributed?.address ?? null,
      }
    }
    case 'google': {
      if (google === null || google.domain === null || google.dkim !== 'pass') return null
      if (google.duplicates.length > 0 || google.conflicts.length > 0) return null
      return { kind: 'google', domain: google.domain.value }
    }
    case 'smtp-auth':
      return { kind: 'smtp-auth', account: connection.account.value }
    case 'mtls':
      return { kind: 'mtls', fingerprint: connection.fingerprint.value }
    case 'network':
      return { kind: 'network', address: connection.address.value }
    case 'self':
      return { kind: 'self' }
    case 'unproven':
    case 'lookup-failed':
      return null
    default:
      return connection satisfies never
  }
}
