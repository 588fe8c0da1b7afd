import type { Domain } from '../../../standards/names/domain.ts'
import type { IpAddress } from '../../../standards/names/ip.ts'
import type { TenantId } from '../../../standards/names/tenant.ts'
import { nearestOwner } from '../nearest-owner.ts'
import type { ActiveKey, Customer, CustomerBook, Grant, OwnedDomain, PolicySnapshot, Source } from '../policy.ts'
import { NetworkSources } from './network-sources.ts'
import { OpenedCustomer, readCustomer, writeCustomer } from './opened-customer.ts'
import { PackedMap } from './packed-map.ts'

type NetworkSource = Extract<Source, { kind: 'network' }>
type AccountSource = Extract<Source, { kind: 'smtp-auth' }>
type GoogleSource = Extract<Source, { kind: 'google' }>

/** What differs from one version to the next. Whatever is not named stays. */
export type SnapshotChanges = {
  readonly version: number
  /** null: the customer is gone. */
  readonly customers?: ReadonlyMap<string, Customer | null>
  /** All active keys of a domain; an empty list takes them away. */
  readonly keys?: ReadonlyMap<Domain, readonly ActiveKey[]>
}

/**
 * Customers and keys are text in packs, and read when they are asked for: a policy of a hundred thousand customers would else be millions of
 * objects, which the garbage collector walks through again and again. The other tables name the customer to look at.
 */
type Tables = {
  readonly customers: PackedMap<OpenedCustomer>
  readonly owners: PackedMap<string>
  readonly tenants: PackedMap<string>
  readonly accounts: PackedMap<string>
  readonly fingerprints: PackedMap<string>
  readonly networks: NetworkSources
  readonly keys: PackedMap<readonly ActiveKey[]>
}

export type SnapshotFilling = {
  readonly add: (customer: Customer) => void
  readonly done: (changes: Omit<SnapshotChanges, 'customers'>) => Snapshot
}

/** Entries to set or, with undefined, to take away; the later of two counts. */
type Edits<V> = (readonly [string, V | undefined])[]

/**
 * The policy at one version. A look-up probes two maps, `ownerOf` once for each label, and opens the customer that it finds; `with` makes the
 * next version and touches only what changed.
 */
export class Snapshot implements PolicySnapshot {
  readonly version: number
  readonly #tables: Tables

  private constructor(version: number, tables: Tables) {
    this.version = version
    this.#tables = tables
  }

  static readonly empty = new Snapshot(0, {
    customers: PackedMap.of(openCustomer),
    owners: PackedMap.of(asItIs),
    tenants: PackedMap.of(asItIs),
    accounts: PackedMap.of(asItIs),
    fingerprints: PackedMap.of(asItIs),
    networks: NetworkSources.none,
    keys: PackedMap.of(readKeys),
  })

  /** Makes a whole policy, customer by customer: what `with` on the empty one gives, without a list of all that there is. */
  static filling(): SnapshotFilling {
    const customers = PackedMap.filling(openCustomer)
    const owners = PackedMap.filling(asItIs)
    const tenants = PackedMap.filling(asItIs)
    const accounts = PackedMap.filling(asItIs)
    const fingerprints = PackedMap.filling(asItIs)
    const networks: NetworkSource[] = []
    return {
      add: (customer) => {
        customers.set(customer.id, writeCustomer(customer))
        for (const name of domainNames(customer)) owners.set(name, customer.id)
        for (const name of tenantNames(customer)) tenants.set(name, customer.id)
        for (const name of accountNames(customer)) accounts.set(name, customer.id)
        for (const name of fingerprintNames(customer)) fingerprints.set(name, customer.id)
        networks.push(...networkSources(customer))
      },
      done: (changes) =>
        new Snapshot(0, {
          ...Snapshot.empty.#tables,
          customers: customers.done(),
          owners: owners.done(),
          tenants: tenants.done(),
          accounts: accounts.done(),
          fingerprints: fingerprints.done(),
          networks: NetworkSources.none.with([], networks),
        }).with(changes),
    }
  }

  get customers(): CustomerBook {
    const { customers } = this.#tables
    return {
      size: customers.size,
      get: (id) => this.#customer(id)?.customer,
      has: (id) => customers.has(id),
      keys: () => customers.keys(),
      values: () => readAll(customers),
    }
  }

  ownerOf(domain: Domain): OwnedDomain | null {
    return nearestOwner(domain, (name) => this.#customer(this.#tables.owners.get(name))?.domain(name))
  }

  m365Source(tenant: TenantId, originator: Domain): Source | null {
    return this.#customer(this.#tables.tenants.get(`${tenant}/${originator}`))?.tenant(tenant, originator) ?? null
  }

  googleSource(domain: Domain): GoogleSource | null {
    const owner = this.ownerOf(domain)
    const customer = this.#customer(owner?.customer)
    if (owner === null || customer === null) return null
    return customer.workspace(domain) ?? customer.workspace(owner.name)
  }

  accountSource(username: string): AccountSource | null {
    return this.#customer(this.#tables.accounts.get(username))?.account(username) ?? null
  }

  fingerprintSource(fingerprint: string): Source | null {
    return this.#customer(this.#tables.fingerprints.get(fingerprint))?.certificate(fingerprint) ?? null
  }

  networkSource(address: IpAddress, now: number): Source | null {
    const name = this.#tables.networks.lookup(address, now)
    return name === null ? null : (this.#customer(name.customer)?.network(name.id) ?? null)
  }

  grantFor(customer: string, source: string, domain: Domain): Grant | null {
    const owner = this.ownerOf(domain)
    if (owner === null || owner.customer !== customer) return null
    const opened = this.#customer(customer)
    return opened?.grant(source, domain) ?? opened?.grant(source, owner.name) ?? null
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

  #customer(id: string | undefined): OpenedCustomer | null {
    return id === undefined ? null : (this.#tables.customers.get(id) ?? null)
  }

  /** The next version. */
  with(changes: SnapshotChanges): Snapshot {
    const tables = changes.customers === undefined ? this.#tables : this.#withCustomers(changes.customers)
    return new Snapshot(changes.version, {
      ...tables,
      keys: tables.keys.with(keyEdits(changes.keys ?? new Map())),
    })
  }

  #withCustomers(customers: ReadonlyMap<string, Customer | null>): Tables {
    const old = this.#tables
    const gone = [...customers.keys()].flatMap((id) => old.customers.get(id)?.customer ?? [])
    const come = [...customers.values()].filter((customer) => customer !== null)
    // First everything away, then everything in: what moves from one customer to another must not be lost.
    const edits = (namesOf: (customer: Customer) => readonly string[]): Edits<string> => [
      ...gone.flatMap(namesOf).map((name) => [name, undefined] as const),
      ...come.flatMap((customer) => namesOf(customer).map((name) => [name, customer.id] as const)),
    ]
    return {
      ...old,
      customers: old.customers.with(
        [...customers].map(([id, customer]) => [id, customer === null ? undefined : writeCustomer(customer)] as const),
      ),
      owners: old.owners.with(edits(domainNames)),
      tenants: old.tenants.with(edits(tenantNames)),
      accounts: old.accounts.with(edits(accountNames)),
      fingerprints: old.fingerprints.with(edits(fingerprintNames)),
      networks: old.networks.with(gone.flatMap(networkSources), come.flatMap(networkSources)),
    }
  }
}

function* readAll(customers: PackedMap<OpenedCustomer>): Generator<Customer> {
  for (const [, text] of customers.texts()) yield readCustomer(text)
}

function openCustomer(text: string): OpenedCustomer {
  return new OpenedCustomer(readCustomer(text))
}

function readKeys(text: string): readonly ActiveKey[] {
  return JSON.parse(text) as readonly ActiveKey[]
}

function asItIs(text: string): string {
  return text
}

function domainNames({ domains }: Customer): readonly string[] {
  return domains.map(({ name }) => name)
}

function tenantNames({ sources }: Customer): readonly string[] {
  return sources.flatMap((source) =>
    source.kind === 'm365' ? source.originators.map((originator) => `${source.tenant}/${originator}`) : [],
  )
}

function accountNames({ sources }: Customer): readonly string[] {
  return sources.flatMap((source) => (source.kind === 'smtp-auth' ? [source.username] : []))
}

function fingerprintNames({ sources }: Customer): readonly string[] {
  return sources.flatMap((source) => (source.kind === 'mtls' ? source.fingerprints : []))
}

function networkSources({ sources }: Customer): readonly NetworkSource[] {
  return sources.filter((source) => source.kind === 'network')
}

function keyEdits(keys: ReadonlyMap<Domain, readonly ActiveKey[]>): Edits<string> {
  return [...keys].map(([domain, active]) => [
    domain,
    active.length === 0 ? undefined : JSON.stringify(active.toSorted(rsaFirst)),
  ])
}

function rsaFirst(a: ActiveKey, b: ActiveKey): number {
  return Number(b.algorithm === 'rsa-sha256') - Number(a.algorithm === 'rsa-sha256')
}
