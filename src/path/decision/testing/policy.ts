import type {
  ActiveKey,
  Customer,
  Grant,
  GrantLimits,
  OwnedDomain,
  PolicySnapshot,
  Source,
} from '../../../rooms/registry/index.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, isAtOrBelow, parseDomain } from '../../../standards/names/domain.ts'
import { type IpAddress, type Network, networkContains, parseIp, parseNetwork } from '../../../standards/names/ip.ts'
import { type TenantId, parseTenantId } from '../../../standards/names/tenant.ts'

/** Policies for tests, searched from end to end: slow, and plain enough to be believed. */

export const now = Date.UTC(2026, 10, 24, 12)
export const day = 86_400_000

export const domain = (text: string): Domain => valid(parseDomain(text))
export const ip = (text: string): IpAddress => valid(parseIp(text))
export const network = (text: string): Network => valid(parseNetwork(text))
const tenantId = (text: string): TenantId => valid(parseTenantId(text))

function valid<T>(parsed: T): Exclude<T, { readonly fault: 'syntax' }> {
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed as Exclude<T, { readonly fault: 'syntax' }>
}

export const acmeTenant = tenantId('3dd8961f-e488-4e60-8e11-a82d994e183d')
export const evilTenant = tenantId('332568a8-5c62-4dbb-8012-9427400a7005')
export const operatorDomain = domain('relay.example.net')

const noLimits: GrantLimits = {
  messagesPerHour: null,
  messagesPerDay: null,
  recipientsPerHour: null,
  recipientsPerDay: null,
  recipientsPerMessage: null,
}

export function owned(customer: string, name: string, changes: Partial<OwnedDomain> = {}): OwnedDomain {
  return {
    customer,
    name: domain(name),
    proof: { kind: 'asserted', approvedBy: 'admin@relay.example', reason: 'test', lapsesAt: now + 30 * day },
    includeSubdomains: false,
    dnsLock: false,
    algorithms: ['rsa'],
    returnPath: null,
    ...changes,
  }
}

export function grant(
  customer: string,
  source: string,
  domains: readonly string[],
  changes: Partial<Grant> = {},
): Grant {
  return {
    customer,
    id: `${source}-grant`,
    source,
    domains: domains.map(domain),
    classes: ['hosted', 'hybrid', 'notification'],
    evidence: { dkim: 'off', arc: 'off' },
    limits: noLimits,
    approvedBy: `admin@${domains[0] ?? customer}`,
    reason: 'test',
    ...changes,
  }
}

export type PolicyExtras = {
  readonly version?: number
  /** Default: a key for each domain of each grant. */
  readonly keys?: readonly ActiveKey[]
}

export function key(customer: string, source: string, name: Domain): ActiveKey {
  return { customer, source, domain: name, selector: `${source}-1`, algorithm: 'rsa-sha256' }
}

export function policyOf(customers: readonly Customer[], extras: PolicyExtras = {}): PolicySnapshot {
  const domains = customers.flatMap((one) => one.domains)
  const sources = customers.flatMap((one) => one.sources)
  const grants = customers.flatMap((one) => one.grants)
  const keys = extras.keys ?? grants.flatMap((one) => one.domains.map((name) => key(one.customer, one.source, name)))
  const ownerOf = (name: Domain): OwnedDomain | null =>
    domains.find((one) => one.name === name) ??
    domains
      .filter((one) => one.includeSubdomains && isAtOrBelow(name, one.name))
      .toSorted((a, b) => b.name.length - a.name.length)[0] ??
    null
  const findSource = <K extends Source['kind']>(kind: K, test: (source: Extract<Source, { kind: K }>) => boolean) =>
    (sources.find((one) => one.kind === kind && test(one as Extract<Source, { kind: K }>)) ?? null) as Extract<
      Source,
      { kind: K }
    > | null
  return {
    version: extras.version ?? 7,
    customers: new Map(customers.map((one) => [one.id, one])),
    ownerOf,
    m365Source: (tenant, originator) =>
      findSource('m365', (one) => one.tenant === tenant && one.originators.includes(originator)),
    googleSource: (name) => {
      const owner = ownerOf(name)
      if (owner === null) return null
      const granted = (one: Source, held: Domain): boolean =>
        grants.some((each) => each.customer === one.customer && each.source === one.id && each.domains.includes(held))
      const named = (held: Domain) =>
        findSource('google', (one) => one.customer === owner.customer && granted(one, held)) ??
        findSource('google', (one) => one.customer === owner.customer && one.workspaceDomain === held)
      return named(name) ?? named(owner.name)
    },
    accountSource: (username) => findSource('smtp-auth', (one) => one.username === username),
    fingerprintSource: (fingerprint) => findSource('mtls', (one) => one.fingerprints.includes(fingerprint)),
    networkSource: (address, at) =>
      findSource(
        'network',
        (one) =>
          one.networks.some((block) => networkContains(block, address)) ||
          one.leases.some((lease) => lease.address === address && lease.from <= at && at < lease.until),
      ),
    grantFor: (customer, source, name) =>
      grants.find(
        (one) =>
          one.customer === customer &&
          one.source === source &&
          (one.domains.includes(name) ||
            one.domains.some((granted) => ownerOf(name)?.name === granted && isAtOrBelow(name, granted))),
      ) ?? null,
    activeKeys: (customer, source, name) =>
      keys.filter((one) => one.customer === customer && one.source === source && one.domain === name),
  }
}

/** Acme, with one source of each kind and a grant for each. */
export const acme: Customer = {
  id: 'acme',
  name: 'Acme Corp',
  plan: 'standard',
  contacts: [{ email: 'security@acme.example', language: 'en' }],
  domains: [owned('acme', 'acme.example')],
  sources: [
    {
      customer: 'acme',
      id: 'acme-m365',
      kind: 'm365',
      tenant: acmeTenant,
      originators: [domain('acme.example')],
      initialDomain: domain('acme.onmicrosoft.com'),
      hybridHosts: [network('198.51.100.7')],
    },
    { customer: 'acme', id: 'acme-google', kind: 'google', workspaceDomain: domain('acme.example') },
    { customer: 'acme', id: 'acme-crm', kind: 'smtp-auth', username: 'crm@acme', passwordHash: 'unused' },
    { customer: 'acme', id: 'acme-erp', kind: 'mtls', fingerprints: ['sha256:aa'] },
    { customer: 'acme', id: 'acme-plant', kind: 'network', networks: [network('203.0.113.0/28')], leases: [] },
  ],
  grants: [
    grant('acme', 'acme-m365', ['acme.example']),
    grant('acme', 'acme-google', ['acme.example']),
    grant('acme', 'acme-crm', ['acme.example']),
    grant('acme', 'acme-erp', ['acme.example']),
    grant('acme', 'acme-plant', ['acme.example']),
  ],
}

/** Another customer, whose tenant is the attacker's or the neighbour's, as the test needs. */
export const evil: Customer = {
  id: 'evil',
  name: 'Evil Ltd',
  plan: 'standard',
  contacts: [],
  domains: [owned('evil', 'evil.example')],
  sources: [
    {
      customer: 'evil',
      id: 'evil-m365',
      kind: 'm365',
      tenant: evilTenant,
      originators: [domain('evil.example')],
      initialDomain: null,
      hybridHosts: [],
    },
  ],
  grants: [grant('evil', 'evil-m365', ['evil.example'])],
}

/** Acme with parts of it replaced. */
export function acmeWith(changes: Partial<Customer>): Customer {
  return { ...acme, ...changes }
}
