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
