import type { Kysely } from 'kysely'
import type { Clock } from '../../platform/clock.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type Applied, applyPolicy, exportStored, planPolicy } from './applying.ts'
import type { CheckedPolicy } from './document/checked-policy.ts'
import type { CustomerDocument } from './document/schema.ts'
import { type KeyRegistry, keyRegistry } from './key-registry.ts'
import { type ProofRegistry, proofRegistry } from './proof-registry.ts'
import { type PolicyNews, loadNewer, loadSnapshot, loadSnapshotAt } from './reading.ts'
import type { Snapshot } from './snapshot/snapshot.ts'
import { type StandingMark, endMark, readStanding } from './store/marks.ts'
import { readCustomer, readCustomersAfter } from './store/customers.ts'
import type { Store } from './store/tables.ts'
import { currentVersion, nextVersion } from './store/versions.ts'

/**
 * Customers, domains, sources, grants, keys and marks, each change with its author and its reason. What changes makes a new version; the
 * reading half works on a store opened read-only. Every promise rejects when the store fails.
 */
export interface Registry extends KeyRegistry, ProofRegistry {
  /** One probe of an index: cheap enough to ask every 100 ms. */
  currentVersion(): Promise<number>
  load(): Promise<Snapshot>
  /** The newest policy, made from an older snapshot, and what differs. Costs what changed, not what there is. */
  loadChanges(snapshot: Snapshot): Promise<PolicyNews>
  /** The policy and keys that were in force at a version, for replay; null for a version that never was. */
  snapshotAt(version: number): Promise<Snapshot | null>
  standing(): Promise<readonly StandingMark[]>
  /** What is written of a customer; null for one that there is not. */
  customer(id: string): Promise<CustomerDocument | null>
  /** Customers in the order of ids, from the one after `after` on. */
  customersAfter(after: string | null, limit: number): Promise<readonly CustomerDocument[]>

  /** A line for each thing that `apply` would change; empty when nothing would. */
  plan(policy: CheckedPolicy): Promise<readonly string[]>
  apply(policy: CheckedPolicy, author: string, reason?: string): Promise<Applied>
  /** YAML that applies again to an empty plan. */
  exportPolicy(): Promise<string>
  /** Sets a mark, in place of the one of its kind that is there. */
  setStanding(mark: StandingMark): Promise<void>
  /** Whether there was one. */
  liftStanding(key: string, kind: StandingMark['kind'], author: string, reason: string): Promise<boolean>
}

/** `operator` is the relay's own domain. The store must have been brought up to date by `migrateRegistry`. */
export function openRegistry<Tables>(db: Kysely<Tables>, operator: Domain, clock: Clock): Registry {
  const store = db as unknown as Store
  const by = (author: string, reason: string) => ({ author, reason, at: clock.now() })
  return {
    currentVersion: () => currentVersion(store),
    load: () => loadSnapshot(store, operator),
    loadChanges: (snapshot) => loadNewer(store, operator, snapshot),
    snapshotAt: (version) => loadSnapshotAt(store, operator, version),
    standing: () => readStanding(store),
    customer: async (id) => (await readCustomer(store, id))?.document ?? null,
    customersAfter: (after, limit) => readCustomersAfter(store, after, limit),
    plan: (policy) => planPolicy(store, policy),
    apply: (policy, author, reason = 'policy applied') => applyPolicy(store, policy, by(author, reason)),
    exportPolicy: () => exportStored(store),
    ...keyRegistry(store, by),
    ...proofRegistry(store, operator, clock, by),
    ...marks(store, by),
  }
}

type By = (author: string, reason: string) => { readonly author: string; readonly reason: string; readonly at: number }

function marks(store: Store, by: By): Pick<Registry, 'setStanding' | 'liftStanding'> {
  return {
    setStanding: (mark) =>
      store.transaction().execute(async (tx) => {
        const version = await nextVersion(tx, by(mark.by, mark.reason))
        const { by: author, ...rest } = { ...mark, key: mark.key.toLowerCase() }
        await endMark(tx, version, rest)
        await tx
          .insertInto('standing')
          .values({ ...rest, author, from_version: version, until_version: null })
          .execute()
      }),
    liftStanding: (key, kind, author, reason) =>
      store.transaction().execute(async (tx) => {
        const of = { key: key.toLowerCase(), kind }
        const marked = (await readStanding(tx)).some((mark) => mark.key === of.key && mark.kind === kind)
        return marked && endMark(tx, await nextVersion(tx, by(author, reason)), of)
      }),
  }
}
