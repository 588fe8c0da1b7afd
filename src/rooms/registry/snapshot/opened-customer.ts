import type { Domain } from '../../../standards/names/domain.ts'
import type { TenantId } from '../../../standards/names/tenant.ts'
import type { Customer, Grant, OwnedDomain, Source } from '../policy.ts'

type SourceOf<Kind extends Source['kind']> = Extract<Source, { kind: Kind }>

/** One customer's part of the policy, laid out for look-ups. */
export class OpenedCustomer {
  readonly customer: Customer
  readonly #domains: ReadonlyMap<Domain, OwnedDomain>
  readonly #grants: ReadonlyMap<string, Grant>
  readonly #workspaces: ReadonlyMap<Domain, SourceOf<'google'>>

  constructor(customer: Customer) {
    this.customer = customer
    this.#domains = new Map(customer.domains.map((domain) => [domain.name, domain]))
    this.#grants = new Map(
      customer.grants.flatMap((grant) => grant.domains.map((domain) => [`${grant.source}/${domain}`, grant])),
    )
    this.#workspaces = new Map(workspaceEntries(customer))
  }

  domain(name: Domain): OwnedDomain | null {
    return this.#domains.get(name) ?? null
  }

  /** The grant of a source that names this domain itself. */
  grant(source: string, domain: Domain): Grant | null {
    return this.#grants.get(`${source}/${domain}`) ?? null
  }

  /** The Workspace that this domain is granted to, or else the one that is named so. */
  workspace(domain: Domain): SourceOf<'google'> | null {
    return this.#workspaces.get(domain) ?? null
  }

  tenant(tenant: TenantId, originator: Domain): SourceOf<'m365'> | null {
    return this.#find('m365', (source) => source.tenant === tenant && source.originators.includes(originator))
  }

  account(username: string): SourceOf<'smtp-auth'> | null {
    return this.#find('smtp-auth', (source) => source.username === username)
  }

  certificate(fingerprint: string): SourceOf<'mtls'> | null {
    return this.#find('mtls', (source) => source.fingerprints.includes(fingerprint))
  }

  network(id: string): SourceOf<'network'> | null {
    return this.#find('network', (source) => source.id === id)
  }

  #find<Kind extends Source['kind']>(kind: Kind, is: (source: SourceOf<Kind>) => boolean): SourceOf<Kind> | null {
    const found = this.customer.sources.find(
      (source): source is SourceOf<Kind> => source.kind === kind && is(source as SourceOf<Kind>),
    )
    return found ?? null
  }
}

/** The names of a customer's Workspaces, and behind them, so that they count first, the domains that they are granted. */
function workspaceEntries({ sources, grants }: Customer): readonly (readonly [Domain, SourceOf<'google'>])[] {
  const workspaces = sources.filter((source) => source.kind === 'google')
  if (workspaces.length === 0) return []
  const byId = new Map(workspaces.map((source) => [source.id, source]))
  const granted = grants.flatMap((grant) => {
    const source = byId.get(grant.source)
    return source === undefined ? [] : grant.domains.map((domain) => [domain, source] as const)
  })
  return [...workspaces.map((source) => [source.workspaceDomain, source] as const), ...granted]
}

/** A customer as text. */
export function writeCustomer(customer: Customer): string {
  return JSON.stringify(customer)
}

/** The customer of such a text. */
export function readCustomer(text: string): Customer {
  return JSON.parse(text) as Customer
}
