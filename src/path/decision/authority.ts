import type { Domain } from '../../standards/names/domain.ts'
import { isAtOrBelow, parentOf } from '../../standards/names/domain.ts'
import { type Network, networkContains, parseIp } from '../../standards/names/ip.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { ActiveKey, Grant, OwnedDomain, PolicySnapshot, Source } from '../../rooms/registry/index.ts'
import type { MessageClass } from '../evidence/evidence.ts'

/** Why a customer's hold on a domain does not count at `now` (milliseconds since the epoch), or null when it does. */
export function proofGap(owned: OwnedDomain, policy: PolicySnapshot, now: number): string | null {
  const { proof } = owned
  switch (proof.kind) {
    case 'dns':
      if (proof.provedAt === null) return `the DNS proof of ${owned.name} has never been seen`
      return proof.lapsesAt !== null && proof.lapsesAt <= now ? `the DNS proof of ${owned.name} has lapsed` : null
    case 'asserted':
      if (proof.lapsesAt <= now) return `the assertion for ${owned.name} by ${proof.approvedBy} has lapsed`
      return outranked(owned, policy, now)
    default:
      return proof satisfies never
  }
}

/** An assertion does not stand against another customer's DNS proof of a parent that includes the name. */
function outranked(owned: OwnedDomain, policy: PolicySnapshot, now: number): string | null {
  for (let name = parentOf(owned.name); name !== null; name = parentOf(name)) {
    const above = policy.ownerOf(name)
    if (above === null) return null
    if (above.customer === owned.customer || !above.includeSubdomains || above.proof.kind !== 'dns') continue
    if (proofGap(above, policy, now) === null)
      return `${owned.name} is asserted only, and another customer has proved ${above.name} with its subdomains`
  }
  return null
}

/** Whether this customer owns the domain, with a proof that holds. */
export function belongsTo(policy: PolicySnapshot, customer: string, domain: Domain, now: number): boolean {
  const owned = policy.ownerOf(domain)
  return owned !== null && owned.customer === customer && proofGap(owned, policy, now) === null
}

/**
 * The grant that lets this source speak for the author domain, or null. The snapshot finds it; that it says what it is taken to say
 * is checked again here, since a look-up that answered too much would be a signature for a stranger.
 */
export function grantOf(policy: PolicySnapshot, source: Source, owned: OwnedDomain, author: Domain): Grant | null {
  if (source.customer !== owned.customer) return null
  const grant = policy.grantFor(source.customer, source.id, author)
  if (grant === null || grant.customer !== source.customer || grant.source !== source.id) return null
  const names = grant.domains.some((domain) => domain === author || (domain === owned.name && reaches(owned, author)))
  return names ? grant : null
}

/** Whether what is owned covers the author domain: the very name, or below it when subdomains are included. */
function reaches(owned: OwnedDomain, author: Domain): boolean {
  return owned.name === author || (owned.includeSubdomains && isAtOrBelow(author, owned.name))
}

/** Whether a grant names the class. `forwarded` and `unknown` are in no grant. */
export function grantsClass(grant: Grant, messageClass: MessageClass): boolean {
  return messageClass !== 'forwarded' && messageClass !== 'unknown' && grant.classes.includes(messageClass)
}

/** Whether the owner listed the host that connected to his tenant. */
export function listsHost(source: Source, host: string | null): boolean {
  if (source.kind !== 'm365' || host === null) return false
  const address = parseIp(host)
  return !isSyntaxFault(address) && source.hybridHosts.some((network: Network) => networkContains(network, address))
}

/**
 * The keys that may sign for the author domain as this source; empty when none is active. A subdomain is signed by its own key or by
 * that of the parent which includes it: relaxed alignment holds for both (RFC 9989).
 */
export function keysFor(
  policy: PolicySnapshot,
  customer: string,
  source: string,
  author: Domain,
): readonly ActiveKey[] {
  const owned = policy.ownerOf(author)
  if (owned === null || owned.customer !== customer || !reaches(owned, author)) return []
  return policy
    .activeKeys(customer, source, author)
    .filter(
      (key) =>
        key.customer === customer && key.source === source && (key.domain === author || key.domain === owned.name),
    )
}
