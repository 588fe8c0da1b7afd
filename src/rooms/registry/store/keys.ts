import type { Domain } from '../../../standards/names/domain.ts'
import type { ActiveKey } from '../policy.ts'
import { inParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

export type KeyRow = RegistryTables['signing_key']

const listed = [
  'customer',
  'domain',
  'source',
  'selector',
  'algorithm',
  'bits',
  'state',
  'public_key',
  'record',
  'created_at',
  'seen_at',
] as const

export type ListedKeyRow = Pick<KeyRow, (typeof listed)[number]>

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

/** Keys whose right to sign began or ended after `version`. */
export async function readChangedKeys(store: Store, version: number): Promise<readonly Pick<KeyRow, 'domain'>[]> {
  return store
    .selectFrom('signing_key')
    .select('domain')
    .where((where) =>
      where.or([where('active_from_version', '>', version), where('active_until_version', '>', version)]),
    )
    .execute()
}

/** Keys whose right to sign ended after `version`. */
export async function readLostKeys(
  store: Store,
  version: number,
): Promise<readonly Pick<KeyRow, 'selector' | 'domain'>[]> {
  return store
    .selectFrom('signing_key')
    .select(['selector', 'domain'])
    .where('active_until_version', '>', version)
    .execute()
}

/** All keys without their private halves, which are most of what is stored. */
export async function readKeys(store: Store): Promise<readonly ListedKeyRow[]> {
  return store
    .selectFrom('signing_key')
    .select(listed)
    .orderBy('domain')
    .orderBy('source')
    .orderBy('algorithm')
    .orderBy('generation')
    .execute()
}

/**
 * Pending keys whose record is to be looked for at `now`, at most twice `limit`: those that wait longest, and those that came due last,
 * which the many that a long stop has made due must not keep waiting.
 */
export async function readDueKeys(store: Store, now: number, limit: number): Promise<readonly ListedKeyRow[]> {
  const due = store.selectFrom('signing_key').select(listed).where('look_at', '<=', now).limit(limit)
  const longest = await due.orderBy('look_at').execute()
  if (longest.length < limit) return longest
  const latest = await due.orderBy('look_at', 'desc').execute()
  return [...new Map([...longest, ...latest].map((row) => [`${row.selector} ${row.domain}`, row])).values()]
}

export async function writeNextLook(
  tx: StoreTransaction,
  key: { readonly selector: string; readonly domain: string; readonly at: number },
): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set({ look_at: key.at })
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .where('state', '=', 'pending')
    .execute()
}

/** The highest generation of each (domain, source, algorithm) at these domains, whoever's it was. */
export async function readGenerations(
  store: Store,
  domains: readonly string[],
): Promise<readonly Pick<KeyRow, 'domain' | 'source' | 'algorithm' | 'generation'>[]> {
  return inParts(domains, (part) =>
    store
      .selectFrom('signing_key')
      .where('domain', 'in', part)
      .groupBy(['domain', 'source', 'algorithm'])
      .select((column) => ['domain', 'source', 'algorithm', column.fn.max('generation').as('generation')])
      .execute(),
  )
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
  change: Partial<Pick<KeyRow, 'state' | 'seen_at' | 'active_from_version' | 'active_until_version' | 'look_at'>>,
): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set(change)
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .execute()
}
