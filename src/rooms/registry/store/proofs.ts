import type { CustomerDocument } from '../document/schema.ts'
import { type ProofStanding, unproven } from '../proof-state.ts'
import { inParts, writeInParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

export type ProofRow = RegistryTables['domain_proof']

/** A DNS proof as the policy of one moment knows it. */
export type Proof = Omit<ProofStanding, 'state'> & { readonly token: string }

/** Proofs of these customers' domains by `customer/domain`, now or as they were at an old version. */
export async function readProofs(
  store: Store,
  customers: readonly string[],
  at: number | 'now',
): Promise<ReadonlyMap<string, Proof>> {
  const tokens = await inParts(customers, (part) =>
    store.selectFrom('proof_token').selectAll().where('customer', 'in', part).execute(),
  )
  const rows = at === 'now' ? await readStandings(store, customers) : await readStandingsAt(store, customers, at)
  const standings = new Map(rows.map((row) => [nameOf(row), row]))
  return new Map(
    tokens.map((row) => {
      const standing = standings.get(nameOf(row))
      const moments = { provedAt: standing?.proved_at ?? null, lapsesAt: standing?.lapses_at ?? null }
      return [nameOf(row), { token: row.token, ...moments }]
    }),
  )
}

type StandingRow = Pick<ProofRow, 'customer' | 'domain' | 'proved_at' | 'lapses_at'>

function readStandings(store: Store, customers: readonly string[]): Promise<readonly StandingRow[]> {
  return inParts(customers, (part) =>
    store
      .selectFrom('domain_proof')
      .select(['customer', 'domain', 'proved_at', 'lapses_at'])
      .where('customer', 'in', part)
      .execute(),
  )
}

function readStandingsAt(store: Store, customers: readonly string[], version: number): Promise<readonly StandingRow[]> {
  return inParts(customers, (part) =>
    store
      .selectFrom((query) =>
        query
          .selectFrom('proof_change')
          .where('version', '<=', version)
          .where('customer', 'in', part)
          .groupBy(['customer', 'domain'])
          .select((column) => ['customer', 'domain', column.fn.max('version').as('version')])
          .as('newest'),
      )
      .innerJoin('proof_change', (join) =>
        join
          .onRef('newest.customer', '=', 'proof_change.customer')
          .onRef('newest.domain', '=', 'proof_change.domain')
          .onRef('newest.version', '=', 'proof_change.version'),
      )
      .select(['proof_change.customer', 'proof_change.domain', 'proof_change.proved_at', 'proof_change.lapses_at'])
      .execute(),
  )
}

/** Customers of whom a proof changed after `version`. */
export async function readProofChanges(store: Store, version: number): Promise<readonly string[]> {
  const rows = await store
    .selectFrom('proof_change')
    .select('customer')
    .where('version', '>', version)
    .distinct()
    .execute()
  return rows.map((row) => row.customer)
}

/** The domains that each customer claims by DNS. */
export function claimsOf(documents: readonly CustomerDocument[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    documents.map(({ id, domains }) => [id, domains.filter(({ proof }) => proof === 'dns').map(({ name }) => name)]),
  )
}

/**
 * Makes these customers' DNS proofs be those that they claim now. A new one is due to be looked for at once; one that is claimed no more
 * is forgotten, so that whoever claims it again proves it again.
 */
export async function keepClaims(
  tx: StoreTransaction,
  version: number,
  claims: ReadonlyMap<string, readonly string[]>,
  at: number,
): Promise<void> {
  const held = await inParts([...claims.keys()], (part) =>
    tx.selectFrom('domain_proof').select(['customer', 'domain', 'state']).where('customer', 'in', part).execute(),
  )
  const claimed = new Set(
    [...claims].flatMap(([customer, domains]) => domains.map((domain) => `${customer}/${domain}`)),
  )
  const known = new Set(held.map(nameOf))
  const dropped = held.filter((row) => !claimed.has(nameOf(row)))
  for (const row of dropped) await dropProof(tx, row)
  await writeChanges(
    tx,
    version,
    dropped
      .filter(({ state }) => state !== 'unproven')
      .map(({ customer, domain }) => ({ customer, domain, ...unproven })),
  )
  const rows = [...claims].flatMap(([customer, domains]) =>
    domains.filter((domain) => !known.has(`${customer}/${domain}`)).map((domain) => newRow(customer, domain, at)),
  )
  await writeInParts(rows, 10, (part) => tx.insertInto('domain_proof').values(part).execute())
}

function newRow(customer: string, domain: string, at: number): ProofRow {
  const moments = { since: at, proved_at: null, lapses_at: null, looked_at: null, seen_at: null, look_at: at }
  return { customer, domain, state: 'unproven', ...moments, trouble: null }
}

async function dropProof(tx: StoreTransaction, row: Pick<ProofRow, 'customer' | 'domain'>): Promise<void> {
  await tx.deleteFrom('domain_proof').where('customer', '=', row.customer).where('domain', '=', row.domain).execute()
}

/** Every proof, or those of some domains. */
export async function readProofRows(store: Store, domains: readonly string[] | null): Promise<readonly ProofRow[]> {
  const all = store.selectFrom('domain_proof').selectAll()
  return domains === null ? all.execute() : inParts(domains, (part) => all.where('domain', 'in', part).execute())
}

/**
 * Proofs that are to be looked for at `now`, at most twice `limit`: those that wait longest, and those that came due last, which the many
 * that a long stop has made due must not keep waiting.
 */
export async function readDueProofs(store: Store, now: number, limit: number): Promise<readonly ProofRow[]> {
  const due = store.selectFrom('domain_proof').selectAll().where('look_at', '<=', now).limit(limit)
  const longest = await due.orderBy('look_at').execute()
  if (longest.length < limit) return longest
  const latest = await due.orderBy('look_at', 'desc').execute()
  return [...new Map([...longest, ...latest].map((row) => [nameOf(row), row])).values()]
}

export async function readProofRow(store: Store, customer: string, domain: string): Promise<ProofRow | null> {
  const row = await store
    .selectFrom('domain_proof')
    .selectAll()
    .where('customer', '=', customer)
    .where('domain', '=', domain)
    .executeTakeFirst()
  return row ?? null
}

export async function writeProofRow(tx: StoreTransaction, row: ProofRow): Promise<void> {
  const { customer, domain, ...rest } = row
  await tx.updateTable('domain_proof').set(rest).where('customer', '=', customer).where('domain', '=', domain).execute()
}

/** Writes what these proofs are from this version on. */
export async function writeChanges(
  tx: StoreTransaction,
  version: number,
  changes: readonly ({ readonly customer: string; readonly domain: string } & ProofStanding)[],
): Promise<void> {
  const rows = changes.map(({ customer, domain, state, provedAt, lapsesAt }) => ({
    version,
    customer,
    domain,
    state,
    proved_at: provedAt,
    lapses_at: lapsesAt,
  }))
  await writeInParts(rows, 6, (part) => tx.insertInto('proof_change').values(part).execute())
}

/** Who holds a DNS proof of which domain, by domain: one that stands, or whose grace has not ended. */
export async function readProofHolders(store: Store): Promise<ReadonlyMap<string, string>> {
  const rows = await store
    .selectFrom('domain_proof')
    .select(['domain', 'customer'])
    .where('state', 'in', ['proven', 'lapsing'])
    .execute()
  return new Map(rows.map((row) => [row.domain, row.customer]))
}

function nameOf({ customer, domain }: { readonly customer: string; readonly domain: string }): string {
  return `${customer}/${domain}`
}
