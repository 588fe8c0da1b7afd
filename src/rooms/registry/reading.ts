import { setImmediate as breath } from 'node:timers/promises'
import type { Domain } from '../../standards/names/domain.ts'
import { selfId } from './document/self.ts'
import type { KeyName } from './key-book.ts'
import type { Customer } from './policy.ts'
import { type StoredCustomer, compileCustomer, selfCustomer } from './snapshot/compile.ts'
import { Snapshot, type SnapshotChanges } from './snapshot/snapshot.ts'
import { parseStored, readChangedCustomers, readCustomers, storedPages, storedPagesAt } from './store/customers.ts'
import { readActiveKeys, readChangedKeys, readLostKeys } from './store/keys.ts'
import { type StandingMark, readStandingSince } from './store/marks.ts'
import { type Proof, readProofChanges, readProofs } from './store/proofs.ts'
import type { Store, StoreTransaction } from './store/tables.ts'
import { currentVersion } from './store/versions.ts'

/** What came with the versions after a snapshot's. */
export type PolicyNews = {
  /** The newest policy; the same object as before when there is no newer version. */
  readonly snapshot: Snapshot
  /** Who changed, came or went. */
  readonly customers: readonly string[]
  /** Keys that ceased to sign. */
  readonly lostKeys: readonly KeyName[]
  /** All marks that are in force; null when none began or ended. */
  readonly standing: readonly StandingMark[] | null
}

/** The newest policy, all of it. */
export function loadSnapshot(store: Store, operator: Domain): Promise<Snapshot> {
  return consistently(store, async (tx) =>
    build(tx, operator, storedPages(tx), 'now', {
      version: await currentVersion(tx),
      keys: await readActiveKeys(tx, 'now'),
    }),
  )
}

/** The policy as it was at `version`; null for a version that never was. */
export function loadSnapshotAt(store: Store, operator: Domain, version: number): Promise<Snapshot | null> {
  return consistently(store, async (tx) => {
    if (version < 0 || version > (await currentVersion(tx))) return null
    return build(tx, operator, storedPagesAt(tx, version), version, {
      version,
      keys: await readActiveKeys(tx, version),
    })
  })
}

/** The newest policy, made from an older one by what changed since. */
export function loadNewer(store: Store, operator: Domain, snapshot: Snapshot): Promise<PolicyNews> {
  return consistently(store, async (tx) => {
    const since = snapshot.version
    const version = await currentVersion(tx)
    if (version === since) return { snapshot, customers: [], lostKeys: [], standing: null }
    const customers = await changedCustomers(tx, operator, since)
    const touched = [...new Set((await readChangedKeys(tx, since)).map((key) => key.domain))]
    const active = await readActiveKeys(tx, 'now', touched)
    const keys = new Map(touched.map((domain) => [domain as Domain, active.get(domain as Domain) ?? []]))
    return {
      snapshot: snapshot.with({ version, customers, keys }),
      customers: [...customers.keys()],
      lostKeys: await readLostKeys(tx, since),
      standing: await readStandingSince(tx, since),
    }
  })
}

/** Who changed after a version, as they are now: by their policy or by a proof. */
async function changedCustomers(
  tx: StoreTransaction,
  operator: Domain,
  since: number,
): Promise<ReadonlyMap<string, Customer | null>> {
  const byPolicy = await readChangedCustomers(tx, since)
  const byProof = (await readProofChanges(tx, since)).filter((id) => !byPolicy.has(id))
  const changed = new Map([...byPolicy, ...(await readCustomers(tx, byProof))])
  const proofs = await readProofs(tx, [...changed.keys(), selfId], 'now')
  const customers = new Map<string, Customer | null>()
  for (const [id, stored] of changed) customers.set(id, stored === null ? null : compile(stored, proofs))
  if (byProof.includes(selfId)) customers.set(selfId, compileSelf(operator, proofs))
  return customers
}

/** Page by page: between two of them the process answers whoever asks. */
async function build(
  tx: StoreTransaction,
  operator: Domain,
  pages: ReturnType<typeof storedPages>,
  at: number | 'now',
  rest: Omit<SnapshotChanges, 'customers'>,
): Promise<Snapshot> {
  const filling = Snapshot.filling()
  for await (const page of pages) {
    const ids = page.map(({ id }) => id)
    const proofs = await readProofs(tx, ids, at)
    for (const { text } of page) filling.add(compile(parseStored(text), proofs))
    await breath()
  }
  filling.add(compileSelf(operator, await readProofs(tx, [selfId], at)))
  return filling.done(rest)
}

type Proofs = ReadonlyMap<string, Proof>

function compile(stored: StoredCustomer, proofs: Proofs): Customer {
  return compileCustomer(stored, (domain) => proofs.get(`${stored.document.id}/${domain}`) ?? null)
}

function compileSelf(operator: Domain, proofs: Proofs): Customer {
  return selfCustomer(operator, proofs.get(`${selfId}/${operator}`) ?? null)
}

/** All reads see one moment of the store. */
function consistently<T>(store: Store, read: (tx: StoreTransaction) => Promise<T>): Promise<T> {
  return store.transaction().setAccessMode('read only').execute(read)
}
