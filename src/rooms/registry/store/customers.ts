import { randomBytes } from 'node:crypto'
import type { CustomerDocument } from '../document/schema.ts'
import type { StoredCustomer } from '../snapshot/compile.ts'
import { inParts, writeInParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

/** Customers read at a time. */
const pageSize = 500

type Page = readonly { readonly id: string; readonly text: string }[]

/** What one customer is now. */
export async function readCustomer(store: Store, id: string): Promise<StoredCustomer | null> {
  const row = await store.selectFrom('customer').select('document').where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : parseStored(row.document)
}

/** What customers are now, in the order of ids, from the one after `after` on. */
export async function readCustomersAfter(
  store: Store,
  after: string | null,
  limit: number,
): Promise<readonly CustomerDocument[]> {
  const rows = await store
    .selectFrom('customer')
    .select('document')
    .where('id', '>', after ?? '')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => parseStored(row.document).document)
}

/** What each of these is now; one that is gone is left out. */
export async function readCustomers(
  store: Store,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredCustomer>> {
  const rows = await inParts(ids, (part) =>
    store.selectFrom('customer').select(['id', 'document']).where('id', 'in', part).execute(),
  )
  return new Map(rows.map((row) => [row.id, parseStored(row.document)]))
}

/** What every customer is now, as it is stored, in pages in the order of ids: 100,000 at once would be a long moment and much memory. */
export async function* storedPages(
  store: Store,
): AsyncGenerator<readonly { readonly id: string; readonly text: string }[], void> {
  for (let after = ''; ;) {
    const page = await store
      .selectFrom('customer')
      .select(['id', 'document as text'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(pageSize)
      .execute()
    if (page.length > 0) yield page
    if (page.length < pageSize) return
    after = page.at(-1)?.id ?? ''
  }
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

/** What every customer was at `version`, in the same way. */
export function storedPagesAt(store: Store, version: number): AsyncGenerator<Page, void> {
  return inPages(async (after) => {
    const rows = await store
      .selectFrom((query) =>
        query
          .selectFrom('policy_change')
          .where('version', '<=', version)
          .where('customer', '>', after)
          .groupBy('customer')
          .select((column) => ['customer', column.fn.max('version').as('version')])
          .orderBy('customer')
          .limit(pageSize)
          .as('newest'),
      )
      .innerJoin('policy_change', (join) =>
        join
          .onRef('newest.customer', '=', 'policy_change.customer')
          .onRef('newest.version', '=', 'policy_change.version'),
      )
      .select(['policy_change.customer as id', 'policy_change.document as text'])
      .orderBy('policy_change.customer')
      .execute()
    return rows
  })
}

async function* inPages(
  read: (after: string) => Promise<readonly { readonly id: string; readonly text: string | null }[]>,
): AsyncGenerator<Page, void> {
  for (let after = ''; ;) {
    const rows = await read(after)
    const page = rows.flatMap(({ id, text }) => (text === null ? [] : [{ id, text }]))
    if (page.length > 0) yield page
    if (rows.length < pageSize) return
    after = rows.at(-1)?.id ?? ''
  }
}

/** Writes what customers are from this version on; null takes one away. */
export async function writeCustomers(
  tx: StoreTransaction,
  version: number,
  customers: ReadonlyMap<string, StoredCustomer | null>,
): Promise<void> {
  const rows = [...customers].map(([id, stored]) => ({ id, document: stored === null ? null : JSON.stringify(stored) }))
  const changes = rows.map(({ id, document }) => ({ version, customer: id, document }))
  await writeInParts(changes, 3, (part) => tx.insertInto('policy_change').values(part).execute())
  await writeInParts(rows, 1, (part) =>
    tx
      .deleteFrom('customer')
      .where(
        'id',
        'in',
        part.map((row) => row.id),
      )
      .execute(),
  )
  const present = rows.flatMap(({ id, document }) => (document === null ? [] : [{ id, version, document }]))
  await writeInParts(present, 3, (part) => tx.insertInto('customer').values(part).execute())
}

/**
 * When each assertion of these documents was first made in these very words, by `customer/domain`; one never seen before is made at
 * `now`.
 */
export async function rememberAssertions(
  tx: StoreTransaction,
  documents: readonly CustomerDocument[],
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = documents.flatMap((document) =>
    document.domains
      .filter((domain) => domain.proof === 'asserted')
      .map((domain) => ({
        customer: document.id,
        domain: domain.name,
        approved_by: domain.approvedBy ?? '',
        reason: domain.reason ?? '',
        until: domain.until ?? '',
        asserted_at: now,
      })),
  )
  await writeInParts(rows, 6, (part) =>
    tx
      .insertInto('assertion')
      .values(part)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
  const customers = [...new Set(rows.map((row) => row.customer))]
  const remembered = await inParts(customers, (part) =>
    tx.selectFrom('assertion').selectAll().where('customer', 'in', part).execute(),
  )
  const moments = new Map(remembered.map((row) => [wordsOf(row), row.asserted_at]))
  return new Map(rows.map((row) => [`${row.customer}/${row.domain}`, moments.get(wordsOf(row)) ?? now]))
}

function wordsOf(row: RegistryTables['assertion']): string {
  return JSON.stringify([row.customer, row.domain, row.approved_by, row.reason, row.until])
}

/** Makes the proof tokens that are missing. */
export async function makeTokens(
  tx: StoreTransaction,
  owned: readonly { readonly customer: string; readonly domain: string }[],
): Promise<void> {
  const rows = owned.map((one) => ({ ...one, token: randomBytes(20).toString('hex') }))
  await writeInParts(rows, 3, (part) =>
    tx
      .insertInto('proof_token')
      .values(part)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

export function parseStored(text: string): StoredCustomer {
  return JSON.parse(text) as StoredCustomer
}
