import type { Domain } from '../../standards/names/domain.ts'
import { type StoredCustomer, compileCustomer, selfCustomer } from './snapshot/compile.ts'
import { selfId } from './document/self.ts'
import type { ActiveKey, Customer } from './policy.ts'
import { Snapshot, type SnapshotChanges } from './snapshot/snapshot.ts'
import { readChangedCustomers, readCustomers, readCustomersAt, readTokens } from './store/customers.ts'
import { readActiveKeys, readChangedKeys } from './store/keys.ts'
import { readChangedSuppressions, readSuppressions } from './store/marks.ts'
import type { Store, StoreTransaction } from './store/tables.ts'
import { currentVersion } from './store/versions.ts'

/** The newest policy, all of it. */
export function loadSnapshot(store: Store, operator: Domain): Promise<Snapshot> {
  return consistently(store, async (tx) =>
    build(
      operator,
      await currentVersion(tx),
      await readCustomers(tx),
      await readTokens(tx, null),
      await readActiveKeys(tx, 'now'),
      await readSuppressions(tx, 'now'),
    ),
  )
}

/** The policy as it was at `version`; null for a version that never was. */
export function loadSnapshotAt(store: Store, operator: Domain, version: number): Promise<Snapshot | null> {
  return consistently(store, async (tx) => {
    if (version < 0 || version > (await currentVersion(tx))) return null
    return build(
      operator,
      version,
      await readCustomersAt(tx, version),
      await readTokens(tx, null),
      await readActiveKeys(tx, version),
      await readSuppressions(tx, version),
    )
  })
}

/** The newest policy, made from an older one by what changed since; the same object when nothing did. */
export function loadNewer(store: Store, snapshot: Snapshot): Promise<Snapshot> {
  return consistently(store, async (tx) => {
    const since = snapshot.version
    const version = await currentVersion(tx)
    if (version === since) return snapshot
    const changed = await readChangedCustomers(tx, since)
    const tokens = await readTokens(tx, [...changed.keys()])
    const customers = new Map<string, Customer | null>()
    for (const [id, stored] of changed) customers.set(id, stored === null ? null : compile(stored, tokens))
    const touched = [...new Set((await readChangedKeys(tx, since)).map((key) => key.domain))]
    const active = await readActiveKeys(tx, 'now', touched)
    const keys = new Map(touched.map((domain) => [domain as Domain, active.get(domain as Domain) ?? []]))
    return snapshot.with({ version, customers, keys, suppressions: await readChangedSuppressions(tx, since) })
  })
}

function build(
  operator: Domain,
  version: number,
  stored: ReadonlyMap<string, StoredCustomer>,
  tokens: ReadonlyMap<string, string>,
  keys: ReadonlyMap<Domain, readonly ActiveKey[]>,
  suppressions: NonNullable<SnapshotChanges['suppressions']>,
): Snapshot {
  const customers = new Map<string, Customer>()
  for (const [id, one] of stored) customers.set(id, compile(one, tokens))
  customers.set(selfId, selfCustomer(operator, tokens.get(`${selfId}/${operator}`) ?? ''))
  return Snapshot.empty.with({ version, customers, keys, suppressions })
}

function compile(stored: StoredCustomer, tokens: ReadonlyMap<string, string>): Customer {
  return compileCustomer(stored, (domain) => tokens.get(`${stored.document.id}/${domain}`) ?? '')
}

/** All reads see one moment of the store. */
function consistently<T>(store: Store, read: (tx: StoreTransaction) => Promise<T>): Promise<T> {
  return store.transaction().setAccessMode('read only').execute(read)
}
