import type { Domain } from '../../../standards/names/domain.ts'
import type { IpAddress } from '../../../standards/names/ip.ts'
import type { Mailbox } from '../../../standards/names/mailbox.ts'
import type { TenantId } from '../../../standards/names/tenant.ts'
import { nearestOwner } from '../nearest-owner.ts'
import type { ActiveKey, Customer, Grant, OwnedDomain, PolicySnapshot, Source } from '../policy.ts'
import { BranchingMap } from './branching-map.ts'
import { NetworkSources } from './network-sources.ts'

type AccountSource = Extract<Source, { kind: 'smtp-auth' }>
type GoogleSource = Extract<Source, { kind: 'google' }>

/** What differs from one version to the next. Whatever is not named stays. */
export type SnapshotChanges = {
  readonly version: number
  /** null: the customer is gone. */
  readonly customers?: ReadonlyMap<string, Customer | null>
  /** All active keys of a domain; an empty list takes them away. */
  readonly keys?: ReadonlyMap<Domain, readonly ActiveKey[]>
  readonly suppressions?: readonly Suppression[]
}

/** `address` as `suppressionAddress` writes it. */
export type Suppression = { readonly customer: string; readonly address: string; readonly suppressed: boolean }

/** The form in which a recipient is suppressed: without regard to case, which no receiver of note tells apart. */
export function suppressionAddress(recipient: Mailbox): string {
  return `${recipient.localPart.toLowerCase()}@${recipient.domain}`
}

type Tables = {
  readonly customers: BranchingMap<Customer>
  readonly owners: BranchingMap<OwnedDomain>
  readonly tenants: BranchingMap<Source>
  readonly workspaces: BranchingMap<GoogleSource>
  readonly accounts: BranchingMap<AccountSource>
  readonly fingerprints: BranchingMap<Source>
  readonly networks: NetworkSources
  readonly grants: BranchingMap<Grant>
  readonly keys: BranchingMap<readonly ActiveKey[]>
  readonly suppressed: BranchingMap<true>
}

export type SnapshotFilling = {
  readonly add: (customer: Customer) => void
  readonly done: (changes: Omit<SnapshotChanges, 'customers'>) => Snapshot
}

/** Entries to set or, with undefined, to take away; the later of two counts. */
type Edits<V> = (readonly [string, V | undefined])[]

/**
 * The policy at one version. Each look-up probes a map once, `ownerOf` once for each label; `with` makes the next version and touches only
 * what changed.
 */
export class Snapshot implements PolicySnapshot {
  readonly version: number
  readonly #tables: Tables

  private constructor(version: number, tables: Tables) {
    this.version = version
    this.#tables = tables
  }

  static readonly empty = new Snapshot(0, {
    customers: BranchingMap.of(),
    owners: BranchingMap.of(),
    tenants: BranchingMap.of(),
    workspaces: BranchingMap.of(),
    accounts: BranchingMap.of(),
    fingerprints: BranchingMap.of(),
    networks: NetworkSources.none,
    grants: BranchingMap.of(),
    keys: BranchingMap.of(),
    suppressed: BranchingMap.of(),
  })

  /** Makes a whole policy, customer by customer: what `with` on the empty one gives, without a list of all that there is. */
  static filling(): SnapshotFilling {
    const customers = BranchingMap.filling<Customer>()
    const owners = BranchingMap.filling<OwnedDomain>()
    const tenants = BranchingMap.filling<Source>()
    const workspaces = BranchingMap.filling<GoogleSource>()
    const accounts = BranchingMap.filling<AccountSource>()
    const fingerprints = BranchingMap.filling<Source>()
    const grants = BranchingMap.filling<Grant>()
    const networks: Extract<Source, { kind: 'network' }>[] = []
    return {
      add: (customer) => {
        customers.set(customer.id, customer)
        for (const domain of customer.domains) owners.set(domain.name, domain)
        for (const source of customer.sources) {
          for (const [key, value] of tenantEntries(source)) tenants.set(key, value)
          for (const [key, value] of accountEntries(source)) accounts.set(key, value)
          for (const [key, value] of fingerprintEntries(source)) fingerprints.set(key, value)
          if (source.kind === 'network') networks.push(source)
        }
        for (const [key, value] of workspaceEntries(customer)) workspaces.set(key, value)
        for (const [key, value] of customer.grants.flatMap(grantEntries)) grants.set(key, value)
      },
      done: (changes) =>
        new Snapshot(0, {
          ...Snapshot.empty.#tables,
          customers: customers.done(),
          owners: owners.done(),
          tenants: tenants.done(),
          workspaces: workspaces.done(),
          accounts: accounts.done(),
          fingerprints: fingerprints.done(),
          networks: NetworkSources.none.with([], networks),
          grants: grants.done(),
        }).with(changes),
    }
  }

  get customers(): ReadonlyMap<string, Customer> {
    return this.#tables.customers
  }

  ownerOf(domain: Domain): OwnedDomain | null {
    return nearestOwner(domain, (name) => this.#tables.owners.get(name))
  }

  m365Source(tenant: TenantId, originator: Domain): Source | null {
    return this.#tables.tenants.get(`${tenant}/${originator}`) ?? null
  }

  googleSource(domain: Domain): GoogleSource | null {
    const owner = this.ownerOf(domain)
    if (owner === null) return null
    const named = (name: Domain) => this.#tables.workspaces.get(`${owner.customer}/${name}`)
    return named(domain) ?? named(owner.name) ?? null
  }

  accountSource(username: string): AccountSource | null {
    return this.#tables.accounts.get(username) ?? null
  }

  fingerprintSource(fingerprint: string): Source | null {
    return this.#tables.fingerprints.get(fingerprint) ?? null
  }

  networkSource(address: IpAddress, now: number): Source | null {
    return this.#tables.networks.lookup(address, now)
  }

  grantFor(customer: string, source: string, domain: Domain): Grant | null {
    const owner = this.ownerOf(domain)
    if (owner === null || owner.customer !== customer) return null
    const named = (name: Domain) => this.#tables.grants.get(grantKey(customer, source, name))
    return named(domain) ?? named(owner.name) ?? null
  }

  activeKeys(customer: string, source: string, domain: Domain): readonly ActiveKey[] {
    const owner = this.ownerOf(domain)
    if (owner === null || owner.customer !== customer) return []
    const wanted = new Set<string>(owner.algorithms.map((algorithm) => `${algorithm}-sha256`))
    const keysOf = (name: Domain): readonly ActiveKey[] =>
      (this.#tables.keys.get(name) ?? []).filter(
        (key) => key.customer === customer && key.source === source && wanted.has(key.algorithm),
      )
    const own = keysOf(domain)
    return own.length > 0 ? own : keysOf(owner.name)
  }

  isSuppressed(customer: string, recipient: Mailbox): boolean {
    return this.#tables.suppressed.has(`${customer}/${suppressionAddress(recipient)}`)
  }

  /** The next version. */
  with(changes: SnapshotChanges): Snapshot {
    const tables = changes.customers === undefined ? this.#tables : this.#withCustomers(changes.customers)
    return new Snapshot(changes.version, {
      ...tables,
      keys: tables.keys.with(keyEdits(changes.keys ?? new Map())),
      suppressed: tables.suppressed.with(
        (changes.suppressions ?? []).map(
          ({ customer, address, suppressed }) => [`${customer}/${address}`, suppressed ? true : undefined] as const,
        ),
      ),
    })
  }

  #withCustomers(customers: ReadonlyMap<string, Customer | null>): Tables {
    const old = this.#tables
    const gone = [...customers.keys()].flatMap((id) => old.customers.get(id) ?? [])
    const come = [...customers.values()].filter((customer) => customer !== null)
    // First everything away, then everything in: what moves from one customer to another must not be lost.
    const edits = <V>(entries: (customer: Customer) => readonly (readonly [string, V])[]): Edits<V> => [
      ...gone.flatMap(entries).map(([key]) => [key, undefined] as const),
      ...come.flatMap(entries),
    ]
    return {
      ...old,
      customers: old.customers.with([...customers].map(([id, customer]) => [id, customer ?? undefined] as const)),
      owners: old.owners.with(edits((one) => one.domains.map((domain) => [domain.name, domain] as const))),
      tenants: old.tenants.with(edits((one) => one.sources.flatMap(tenantEntries))),
      workspaces: old.workspaces.with(edits(workspaceEntries)),
      accounts: old.accounts.with(edits((one) => one.sources.flatMap(accountEntries))),
      fingerprints: old.fingerprints.with(edits((one) => one.sources.flatMap(fingerprintEntries))),
      networks: old.networks.with(gone.flatMap(networkSources), come.flatMap(networkSources)),
      grants: old.grants.with(edits((one) => one.grants.flatMap(grantEntries))),
    }
  }
}

function tenantEntries(source: Source): readonly (readonly [string, Source])[] {
  if (source.kind !== 'm365') return []
  return source.originators.map((originator) => [`${source.tenant}/${originator}`, source] as const)
}

/** The names of a customer's Workspaces, and behind them, so that they count first, the domains that they are granted. */
function workspaceEntries({ id, sources, grants }: Customer): readonly (readonly [string, GoogleSource])[] {
  const workspaces = sources.filter((source) => source.kind === 'google')
  if (workspaces.length === 0) return []
  const byId = new Map(workspaces.map((source) => [source.id, source]))
  const granted = grants.flatMap((grant) => {
    const source = byId.get(grant.source)
    return source === undefined ? [] : grant.domains.map((domain) => [`${id}/${domain}`, source] as const)
  })
  return [...workspaces.map((source) => [`${id}/${source.workspaceDomain}`, source] as const), ...granted]
}

function accountEntries(source: Source): readonly (readonly [string, AccountSource])[] {
  return source.kind === 'smtp-auth' ? [[source.username, source]] : []
}

function fingerprintEntries(source: Source): readonly (readonly [string, Source])[] {
  return source.kind === 'mtls' ? source.fingerprints.map((fingerprint) => [fingerprint, source] as const) : []
}

function networkSources(customer: Customer): readonly Extract<Source, { kind: 'network' }>[] {
  return customer.sources.filter((source) => source.kind === 'network')
}

function grantEntries(grant: Grant): readonly (readonly [string, Grant])[] {
  return grant.domains.map((domain) => [grantKey(grant.customer, grant.source, domain), grant] as const)
}

function grantKey(customer: string, source: string, domain: Domain): string {
  return `${customer}/${source}/${domain}`
}

function keyEdits(keys: ReadonlyMap<Domain, readonly ActiveKey[]>): Edits<readonly ActiveKey[]> {
  return [...keys].map(([domain, active]) => [domain, active.length === 0 ? undefined : active.toSorted(rsaFirst)])
}

function rsaFirst(a: ActiveKey, b: ActiveKey): number {
  return Number(b.algorithm === 'rsa-sha256') - Number(a.algorithm === 'rsa-sha256')
}
