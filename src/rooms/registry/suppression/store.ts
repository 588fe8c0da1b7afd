import type { SuppressionDb, SuppressionTables, SuppressionTransaction } from './tables.ts'
import { addressKey } from './address.ts'
import type { Suppression, SuppressionChange, SuppressionReason } from './suppression.ts'

/** Rows that one statement writes. */
const atOnce = 500

type Row = SuppressionTables['suppressed_address']

/** What was put on the list, and what stood there already for at least as long. */
export type Listed = { readonly added: number; readonly kept: number }

/** The number of the newest change; 0 before the first. One probe of an index. */
async function newestChange(db: SuppressionDb): Promise<number> {
  const row = await db
    .selectFrom('suppressed_address')
    .select('change')
    .orderBy('change', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.change ?? 0
}

/** Puts addresses of one customer on its list. The transaction holds the write lock, so no two changes get the same number. */
export async function putOnList(
  tx: SuppressionTransaction,
  entries: readonly Suppression[],
  options: { readonly now: number; readonly dryRun: boolean },
): Promise<Listed> {
  let [added, kept] = [0, 0]
  let change = await newestChange(tx)
  for (let from = 0; from < entries.length; from += atOnce) {
    const part = new Map(entries.slice(from, from + atOnce).map((one) => [one.address, one]))
    const before = await rowsOf(tx, [...part.values()])
    const fresh = [...part.values()].filter((one) => !standsAsLong(before.get(one.address), one, options.now))
    added += fresh.length
    kept += part.size - fresh.length
    if (fresh.length === 0 || options.dryRun) continue
    const rows = fresh.map((one): Row => {
      const { high, low } = addressKey(one.customer, one.address)
      return { ...one, key_high: high, key_low: low, change: ++change, listed: 1 }
    })
    await write(tx, rows)
  }
  return { added, kept }
}

/** Takes addresses off a customer's list; answers how many were on it. Who did it, and why, stays beside each. */
export async function takeOffList(
  tx: SuppressionTransaction,
  request: {
    readonly customer: string
    readonly addresses: readonly string[]
    readonly author: string
    readonly note: string
    readonly now: number
    readonly dryRun: boolean
  },
): Promise<number> {
  const { customer, addresses, author, note, now, dryRun } = request
  let change = await newestChange(tx)
  const named = addresses.map((address) => ({ customer, address }))
  const there = [...(await rowsOf(tx, named)).values()].filter((row) => isListed(row, now))
  if (!dryRun)
    await write(
      tx,
      there.map((row) => ({ ...row, author, note, change: ++change, listed: 0 })),
    )
  return there.length
}

/** A customer's list in the order of addresses, from the one after `after` on. */
export async function readList(
  db: SuppressionDb,
  request: {
    readonly customer: string
    readonly after: string | null
    readonly limit: number
    readonly reason: SuppressionReason | null
    readonly now: number
  },
): Promise<readonly Suppression[]> {
  const { customer, after, limit, reason, now } = request
  let query = db
    .selectFrom('suppressed_address')
    .selectAll()
    .where('customer', '=', customer)
    .where('listed', '=', 1)
    .where((where) => where.or([where('until', 'is', null), where('until', '>', now)]))
  if (after !== null) query = query.where('address', '>', after)
  if (reason !== null) query = query.where('reason', '=', reason)
  return (await query.orderBy('address').limit(limit).execute()).map(suppressionOf)
}

export async function readEntry(
  db: SuppressionDb,
  of: { readonly customer: string; readonly address: string },
  now: number,
): Promise<Suppression | null> {
  const row = (await rowsOf(db, [of])).get(of.address)
  return row !== undefined && isListed(row, now) ? suppressionOf(row) : null
}

/** Changes of all lists, in their order, from the one after `change` on. */
export async function readChangesAfter(
  db: SuppressionDb,
  change: number,
  limit: number,
): Promise<readonly SuppressionChange[]> {
  const rows = await db
    .selectFrom('suppressed_address')
    .select(['change', 'key_high as high', 'key_low as low', 'until', 'listed'])
    .where('change', '>', change)
    .orderBy('change')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, listed: row.listed === 1 }))
}

/** Forgets what was taken off, or ran out, before `moment`, and failures that nothing was added to since. */
export async function forgetBefore(db: SuppressionDb, moment: number): Promise<void> {
  await db.deleteFrom('suppressed_address').where('until', '<', moment).execute()
  await db.deleteFrom('suppression_strike').where('last_at', '<', moment).execute()
}

async function rowsOf(
  db: SuppressionDb,
  named: readonly { readonly customer: string; readonly address: string }[],
): Promise<ReadonlyMap<string, Row>> {
  const found = new Map<string, Row>()
  const customer = named[0]?.customer
  if (customer === undefined) return found
  for (let from = 0; from < named.length; from += atOnce) {
    const addresses = named.slice(from, from + atOnce).map((one) => one.address)
    const rows = await db
      .selectFrom('suppressed_address')
      .selectAll()
      .where('customer', '=', customer)
      .where('address', 'in', addresses)
      .execute()
    for (const row of rows) found.set(row.address, row)
  }
  return found
}

async function write(tx: SuppressionTransaction, rows: readonly Row[]): Promise<void> {
  for (let from = 0; from < rows.length; from += atOnce) {
    await tx
      .insertInto('suppressed_address')
      .values(rows.slice(from, from + atOnce))
      .onConflict((conflict) =>
        conflict.columns(['customer', 'address']).doUpdateSet((row) => ({
          reason: row.ref('excluded.reason'),
          since: row.ref('excluded.since'),
          until: row.ref('excluded.until'),
          note: row.ref('excluded.note'),
          event: row.ref('excluded.event'),
          author: row.ref('excluded.author'),
          change: row.ref('excluded.change'),
          listed: row.ref('excluded.listed'),
        })),
      )
      .execute()
  }
}

function isListed(row: Row, now: number): boolean {
  return row.listed === 1 && (row.until === null || row.until > now)
}

function standsAsLong(row: Row | undefined, one: Suppression, now: number): boolean {
  if (row === undefined || !isListed(row, now)) return false
  return row.until === null || (one.until !== null && one.until <= row.until)
}

function suppressionOf(row: Row): Suppression {
  const { customer, address, reason, since, until, note, event, author } = row
  return { customer, address, reason: reason as SuppressionReason, since, until, note, event, author }
}
