import type { Domain } from '../../../standards/names/domain.ts'
import type { ActiveKey } from '../policy.ts'
import { inParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

export type KeyRow = RegistryTables['signing_key']

type Version = number | 'now'

/** Active keys by domain, now or at an old version; `domains` narrows it. */
export async function readActiveKeys(
  store: Store,
  at: Version,
  domains: readonly string[] | null = null,
): Promise<ReadonlyMap<Domain, readonly ActiveKey[]>> {
  let query = store.selectFrom('signing_key').select(['domain', 'source', 'customer', 'selector', 'algorithm'])
  if (at === 'now') query = query.where('state', '=', 'active')
  else {
    query = query
      .where('active_from_version', '<=', at)
      .where((where) => where.or([where('active_until_version', 'is', null), where('active_until_version', '>', at)]))
  }
  const rows =
    domains === null
      ? await query.execute()
      : await inParts(domains, (part) => query.where('domain', 'in', part).execute())
  const keys = rows.map((row): ActiveKey => ({ ...row, domain: row.domain as Domain }))
  return Map.groupBy(keys, (key) => key.domain)
}

/** Rows whose right to sign began or ended after `version`. */
export async function readChangedKeys(store: Store, version: number): Promise<readonly KeyRow[]> {
  return store
    .selectFrom('signing_key')
    .selectAll()
    .where((where) =>
      where.or([where('active_from_version', '>', version), where('active_until_version', '>', version)]),
    )
    .execute()
}

export async function readKeys(store: Store): Promise<readonly KeyRow[]> {
  return store
    .selectFrom('signing_key')
    .selectAll()
    .orderBy('domain')
    .orderBy('source')
    .orderBy('algorithm')
    .orderBy('generation')
    .execute()
}

export async function readKey(store: Store, selector: string, domain: string): Promise<KeyRow | null> {
  const row = await store
    .selectFrom('signing_key')
    .selectAll()
    .where('domain', '=', domain)
    .where('selector', '=', selector)
    .executeTakeFirst()
  return row ?? null
}

export async function writeKeyState(
  tx: StoreTransaction,
  key: KeyRow,
  change: Partial<Pick<KeyRow, 'state' | 'seen_at' | 'active_from_version' | 'active_until_version'>>,
): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set(change)
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .execute()
}
