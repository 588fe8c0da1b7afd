import type { Suppression } from '../snapshot/snapshot.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

/** A mark on a source: what watch's StandingBook takes. */
export type StandingMark = {
  /** A tenant id, or `<customer>/<source>`. */
  readonly key: string
  readonly kind: 'suspended' | 'hold'
  readonly reason: string
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly until: number | null
}

/** Suppressions in force now, or at an old version. */
export async function readSuppressions(store: Store, at: number | 'now'): Promise<readonly Suppression[]> {
  const query = store.selectFrom('suppression').select(['customer', 'address'])
  const rows = await (
    at === 'now'
      ? query.where('until_version', 'is', null)
      : query
          .where('from_version', '<=', at)
          .where((where) => where.or([where('until_version', 'is', null), where('until_version', '>', at)]))
  ).execute()
  return rows.map((row) => ({ ...row, suppressed: true }))
}

/** Suppressions that began or ended after `version`, as they are now. */
export async function readChangedSuppressions(store: Store, version: number): Promise<readonly Suppression[]> {
  const rows = await store
    .selectFrom('suppression')
    .select(['customer', 'address', 'until_version'])
    .where((where) => where.or([where('from_version', '>', version), where('until_version', '>', version)]))
    .orderBy('from_version')
    .execute()
  return rows.map(({ customer, address, until_version }) => ({ customer, address, suppressed: until_version === null }))
}

/** Ends the suppression in force, if there is one. */
export async function endSuppression(
  tx: StoreTransaction,
  version: number,
  of: { readonly customer: string; readonly address: string },
): Promise<void> {
  await tx
    .updateTable('suppression')
    .set({ until_version: version })
    .where('customer', '=', of.customer)
    .where('address', '=', of.address)
    .where('until_version', 'is', null)
    .execute()
}

export async function isSuppressedNow(
  store: Store,
  of: { readonly customer: string; readonly address: string },
): Promise<boolean> {
  const row = await store
    .selectFrom('suppression')
    .select('customer')
    .where('customer', '=', of.customer)
    .where('address', '=', of.address)
    .where('until_version', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

export async function readStanding(store: Store): Promise<readonly StandingMark[]> {
  const rows = await store
    .selectFrom('standing')
    .selectAll()
    .where('until_version', 'is', null)
    .orderBy('key')
    .orderBy('kind')
    .execute()
  return rows.map(markOf)
}

/** All marks in force when any began or ended after `version`, else null. */
export async function readStandingSince(store: Store, version: number): Promise<readonly StandingMark[] | null> {
  const changed = await store
    .selectFrom('standing')
    .select('key')
    .where((where) => where.or([where('from_version', '>', version), where('until_version', '>', version)]))
    .limit(1)
    .executeTakeFirst()
  return changed === undefined ? null : readStanding(store)
}

/** Ends the mark in force, if there is one; answers whether there was. */
export async function endMark(
  tx: StoreTransaction,
  version: number,
  of: { readonly key: string; readonly kind: StandingMark['kind'] },
): Promise<boolean> {
  const ended = await tx
    .updateTable('standing')
    .set({ until_version: version })
    .where('key', '=', of.key)
    .where('kind', '=', of.kind)
    .where('until_version', 'is', null)
    .executeTakeFirst()
  return ended.numUpdatedRows > 0n
}

function markOf(row: RegistryTables['standing']): StandingMark {
  return { key: row.key, kind: row.kind, reason: row.reason, by: row.author, since: row.since, until: row.until }
}
