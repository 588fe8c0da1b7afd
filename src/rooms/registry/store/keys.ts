import type { Domain } from '../../../standards/names/domain.ts'
import type { KeyState } from '../key-state.ts'
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
  'generation',
  'state',
  'state_since',
  'public_key',
  'record',
  'created_at',
  'seen_at',
  'gone_at',
  'look_at',
] as const

/** A key without its private half, which is most of what is stored. */
export type ListedKeyRow = Pick<KeyRow, (typeof listed)[number]>

/** Who a key signs for, and how. */
export type KeyLine = Pick<KeyRow, 'customer' | 'domain' | 'source' | 'algorithm'>

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

/** All keys that ever were, the older at a name before the newer. */
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
 * Keys about which something is to be done at `now`, at most twice `limit`: those that wait longest, and those that came due last, which
 * the many that a long stop has made due must not keep waiting.
 */
export async function readDueKeys(store: Store, now: number, limit: number): Promise<readonly ListedKeyRow[]> {
  const due = store.selectFrom('signing_key').select(listed).where('look_at', '<=', now).limit(limit)
  const longest = await due.orderBy('look_at').execute()
  if (longest.length < limit) return longest
  const latest = await due.orderBy('look_at', 'desc').execute()
  return [...new Map([...longest, ...latest].map((row) => [`${row.selector} ${row.domain}`, row])).values()]
}

/** Only one key at a name has anything to be done about it, so the name is enough. */
export async function writeNextLook(
  tx: StoreTransaction,
  key: { readonly selector: string; readonly domain: string; readonly at: number },
): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set({ look_at: key.at })
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .where('look_at', 'is not', null)
    .execute()
}

/** What is to be known of the keys of these domains to name the next, whoever's they were; the older before the newer. */
export async function readPlaces(
  store: Store,
  domains: readonly string[],
): Promise<readonly Pick<KeyRow, 'domain' | 'selector' | 'generation' | 'state' | 'gone_at'>[]> {
  return inParts(domains, (part) =>
    store
      .selectFrom('signing_key')
      .where('domain', 'in', part)
      .select(['domain', 'selector', 'generation', 'state', 'gone_at'])
      .orderBy('generation')
      .execute(),
  )
}

/** The key that counts at a name: the newest. */
export async function readKey(store: Store, selector: string, domain: string): Promise<KeyRow | null> {
  const row = await store
    .selectFrom('signing_key')
    .selectAll()
    .where('domain', '=', domain)
    .where('selector', '=', selector)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

/** Whether the name has had another key whose record the world saw. */
export async function nameHadAnother(tx: StoreTransaction, key: KeyRow): Promise<boolean> {
  const row = await tx
    .selectFrom('signing_key')
    .select('generation')
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .where('generation', '<', key.generation)
    .where('seen_at', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

/** The keys of one (customer, domain, source, algorithm), in some states. */
export async function readLine(
  store: Store,
  line: KeyLine,
  states: readonly KeyState[],
): Promise<readonly ListedKeyRow[]> {
  return store
    .selectFrom('signing_key')
    .select(listed)
    .where('domain', '=', line.domain)
    .where('source', '=', line.source)
    .where('customer', '=', line.customer)
    .where('algorithm', '=', line.algorithm)
    .where('state', 'in', states)
    .orderBy('generation')
    .execute()
}

/** Keys that sign, of a domain or of all, of a source or of all, that have done so since `before` or longer. */
export async function readSigning(
  store: Store,
  which: {
    readonly domain: string | null
    readonly source: string | null
    readonly before: number
    readonly limit: number
  },
): Promise<readonly ListedKeyRow[]> {
  let query = store
    .selectFrom('signing_key')
    .select(listed)
    .where('state', '=', 'active')
    .where('state_since', '<=', which.before)
  if (which.domain !== null) query = query.where('domain', '=', which.domain)
  if (which.source !== null) query = query.where('source', '=', which.source)
  return query.orderBy('state_since').orderBy('domain').orderBy('selector').limit(which.limit).execute()
}

type Changeable =
  | 'state'
  | 'state_since'
  | 'seen_at'
  | 'gone_at'
  | 'active_from_version'
  | 'active_until_version'
  | 'look_at'

export async function writeKey(
  tx: StoreTransaction,
  key: Pick<KeyRow, 'domain' | 'selector' | 'generation'>,
  change: Partial<Pick<KeyRow, Changeable | 'wrapped'>>,
): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set(change)
    .where('domain', '=', key.domain)
    .where('selector', '=', key.selector)
    .where('generation', '=', key.generation)
    .execute()
}
