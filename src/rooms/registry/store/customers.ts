import { randomBytes } from 'node:crypto'
import type { CustomerDocument } from '../document/schema.ts'
import type { StoredCustomer } from '../snapshot/compile.ts'
import { inParts } from './parts.ts'
import type { Store, StoreTransaction } from './tables.ts'

/** What every customer is now, by id. */
export async function readCustomers(store: Store): Promise<ReadonlyMap<string, StoredCustomer>> {
  const rows = await store.selectFrom('customer').select(['id', 'document']).orderBy('id').execute()
  return new Map(rows.map((row) => [row.id, parseStored(row.document)]))
}

/** The customers that changed after `version`, as they are now; null is gone. */
export async function readChangedCustomers(
  store: Store,
  version: number,
): Promise<ReadonlyMap<string, StoredCustomer | null>> {
  const rows = await store
    .selectFrom('policy_change')
    .where('policy_change.version', '>', version)
    .leftJoin('customer', 'customer.id', 'policy_change.customer')
    .select(['policy_change.customer as id', 'customer.document as document'])
    .distinct()
    .execute()
  return new Map(rows.map((row) => [row.id, row.document === null ? null : parseStored(row.document)]))
}

/** What every customer was at `version`. */
export async function readCustomersAt(store: Store, version: number): Promise<ReadonlyMap<string, StoredCustomer>> {
  const rows = await store
    .selectFrom('policy_change')
    .innerJoin(
      (query) =>
        query
          .selectFrom('policy_change')
          .where('version', '<=', version)
          .groupBy('customer')
          .select((column) => ['customer', column.fn.max('version').as('version')])
          .as('newest'),
      (join) =>
        join
          .onRef('newest.customer', '=', 'policy_change.customer')
          .onRef('newest.version', '=', 'policy_change.version'),
    )
    .where('document', 'is not', null)
    .select(['policy_change.customer as id', 'policy_change.document as document'])
    .execute()
  return new Map(rows.map((row) => [row.id, parseStored(row.document ?? '')]))
}

/** Writes what a customer is from this version on; null takes him away. */
export async function writeCustomer(
  tx: StoreTransaction,
  version: number,
  id: string,
  stored: StoredCustomer | null,
): Promise<void> {
  const document = stored === null ? null : JSON.stringify(stored)
  await tx.insertInto('policy_change').values({ version, customer: id, document }).execute()
  if (document === null) {
    await tx.deleteFrom('customer').where('id', '=', id).execute()
    return
  }
  await tx
    .insertInto('customer')
    .values({ id, version, document })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ version, document }))
    .execute()
}

/** When each assertion of the document was first made in these very words; an assertion never seen before is made at `now`. */
export async function rememberAssertions(
  tx: StoreTransaction,
  document: CustomerDocument,
  now: number,
): Promise<Readonly<Record<string, number>>> {
  const assertedAt: Record<string, number> = {}
  for (const domain of document.domains) {
    if (domain.proof !== 'asserted') continue
    const words = {
      customer: document.id,
      domain: domain.name,
      approved_by: domain.approvedBy ?? '',
      reason: domain.reason ?? '',
      until: domain.until ?? '',
    }
    await tx
      .insertInto('assertion')
      .values({ ...words, asserted_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    const row = await tx
      .selectFrom('assertion')
      .select('asserted_at')
      .where((where) => where.and(words))
      .executeTakeFirstOrThrow()
    assertedAt[domain.name] = row.asserted_at
  }
  return assertedAt
}

/** Makes the proof tokens that are missing. */
export async function makeTokens(tx: StoreTransaction, customer: string, domains: readonly string[]): Promise<void> {
  for (const domain of domains) {
    await tx
      .insertInto('proof_token')
      .values({ customer, domain, token: randomBytes(20).toString('hex') })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** Tokens by `customer/domain`: of all customers, or of some. */
export async function readTokens(
  store: Store,
  customers: readonly string[] | null,
): Promise<ReadonlyMap<string, string>> {
  const all = store.selectFrom('proof_token').selectAll()
  const rows = await (customers === null
    ? all.execute()
    : inParts(customers, (part) => all.where('customer', 'in', part).execute()))
  return new Map(rows.map((row) => [`${row.customer}/${row.domain}`, row.token]))
}

function parseStored(text: string): StoredCustomer {
  return JSON.parse(text) as StoredCustomer
}
