import { isSyntaxFault } from '../../standards/fault.ts'
import { type SignatureAlgorithm, keyRecordName, parseKeyRecord, publicKeyOf } from '../../standards/dkim/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { selectorFor } from './selector.ts'
import { readCustomer } from './store/customers.ts'
import {
  type KeyRow,
  type ListedKeyRow,
  readDueKeys,
  readGenerations,
  readKey,
  readKeys,
  writeKeyState,
  writeNextLook,
} from './store/keys.ts'
import type { Store } from './store/tables.ts'
import { type Author, nextVersion } from './store/versions.ts'
import { dropWanted, noteWanted, readWanted } from './store/wanted.ts'

/** A key as people see it. */
export type KeyListing = {
  readonly customer: string
  readonly domain: Domain
  readonly source: string
  readonly selector: string
  readonly algorithm: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ed25519'
  /** `pending` until its record is seen in DNS. */
  readonly state: 'pending' | 'active' | 'retired'
  readonly record: { readonly name: string; readonly type: 'TXT'; readonly value: string }
  /** `p=` of the record, in base64. */
  readonly publicKey: string
  readonly createdAt: number
  readonly seenAt: number | null
}

/** A key that a grant needs and that nobody has made. */
export type WantedKey = {
  readonly customer: string
  readonly domain: Domain
  readonly source: string
  readonly algorithm: SignatureAlgorithm
  readonly selector: string
}

/** A key just made, its private half wrapped. */
export type MadeKey = {
  readonly customer: string
  readonly domain: string
  readonly source: string
  readonly algorithm: SignatureAlgorithm
  readonly selector: string
  readonly wrapped: string
  /** `p=` of the record, in base64. */
  readonly p: string
  /** The whole text of the TXT record. */
  readonly publicRecord: string
}

/** What names a key: no two have both the same. */
export type KeyName = Pick<MadeKey, 'selector' | 'domain'>

export type StoredKey = Pick<MadeKey, 'customer' | 'domain' | 'source' | 'algorithm' | 'selector' | 'wrapped'>

export async function listKeys(store: Store): Promise<readonly KeyListing[]> {
  return (await readKeys(store)).map(listingOf)
}

/** At most `limit` keys that grants need and nobody has made, those of the latest change of policy first. */
export async function wantedKeys(store: Store, limit: number): Promise<readonly WantedKey[]> {
  const rows = await readWanted(store, limit)
  const made = await readGenerations(store, [...new Set(rows.map((row) => row.domain))])
  const generations = new Map(made.map((row) => [keyOf(row), row.generation]))
  return rows.map(({ turn: _turn, ...key }) => {
    const generation = (generations.get(keyOf(key)) ?? 0) + 1
    const selector = selectorFor(key.source, key.algorithm, generation)
    return { ...key, domain: key.domain as Domain, selector }
  })
}

/** Pending keys that are due to be looked for. */
export async function dueKeys(store: Store, now: number, limit: number): Promise<readonly KeyListing[]> {
  return (await readDueKeys(store, now, limit)).map(listingOf)
}

/** Writes down when each of these keys is due again. */
export async function lookAgain(
  store: Store,
  keys: readonly { readonly selector: string; readonly domain: string; readonly at: number }[],
): Promise<void> {
  await store.transaction().execute(async (tx) => {
    for (const key of keys) await writeNextLook(tx, key)
  })
}

/** Stores keys just made, each pending until its record is seen. One whose selector is taken at its domain is left as it was. */
export async function addKeys(store: Store, keys: readonly MadeKey[], at: number): Promise<void> {
  await store.transaction().execute(async (tx) => {
    for (const { p, publicRecord, ...key } of keys) {
      const row: KeyRow = {
        domain: key.domain,
        selector: key.selector,
        source: key.source,
        customer: key.customer,
        algorithm: key.algorithm,
        bits: bitsOf(publicRecord),
        generation: Number(/\d+$/.exec(key.selector)?.[0] ?? 1),
        state: 'pending',
        wrapped: key.wrapped,
        public_key: p,
        record: publicRecord,
        created_at: at,
        seen_at: null,
        active_from_version: null,
        active_until_version: null,
        look_at: at,
      }
      await tx
        .insertInto('signing_key')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      await dropWanted(tx, key)
    }
  })
}

/** Pending keys may sign from the version that this makes on; null when none of them is a pending key. */
export function activateKeys(store: Store, names: readonly KeyName[], by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const keys = await Promise.all(names.map(({ selector, domain }) => readKey(tx, selector, domain)))
    const pending = keys.filter((key) => key?.state === 'pending').filter((key) => key !== null)
    if (pending.length === 0) return null
    const version = await nextVersion(tx, by)
    const change = { state: 'active', seen_at: by.at, active_from_version: version, look_at: null } as const
    for (const key of pending) await writeKeyState(tx, key, change)
    return version
  })
}

/** The key signs nothing from the version that this makes on; null when there is no such key, or it is retired already. */
export function retireKey(store: Store, selector: string, domain: string, by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const key = await readKey(tx, selector, domain)
    if (key === null || key.state === 'retired') return null
    const version = await nextVersion(tx, by)
    await writeKeyState(tx, key, { state: 'retired', active_until_version: version, look_at: null })
    const owner = await readCustomer(tx, key.customer)
    await noteWanted(tx, version, new Map([[key.customer, owner?.document ?? null]]))
    return version
  })
}

/** A key that may sign now, with its private half as it is stored; null for any other. */
export async function activeKey(store: Store, { selector, domain }: KeyName): Promise<StoredKey | null> {
  const row = await readKey(store, selector, domain)
  return row?.state === 'active' ? storedOf(row) : null
}

function storedOf({ customer, domain, source, algorithm, selector, wrapped }: KeyRow): StoredKey {
  return { customer, domain, source, algorithm, selector, wrapped }
}

function listingOf(row: ListedKeyRow): KeyListing {
  return {
    customer: row.customer,
    domain: row.domain as Domain,
    source: row.source,
    selector: row.selector,
    algorithm: row.algorithm === 'ed25519-sha256' ? 'ed25519' : (`rsa-${row.bits}` as KeyListing['algorithm']),
    state: row.state,
    record: { name: keyRecordName(row.selector, row.domain as Domain), type: 'TXT', value: row.record },
    publicKey: row.public_key,
    createdAt: row.created_at,
    seenAt: row.seen_at,
  }
}

function keyOf(key: { readonly domain: string; readonly source: string; readonly algorithm: string }): string {
  return `${key.domain}/${key.source}/${key.algorithm}`
}

function bitsOf(publicRecord: string): number {
  const record = parseKeyRecord(publicRecord)
  const key = isSyntaxFault(record) ? record : publicKeyOf(record)
  if (isSyntaxFault(key)) throw new Error(`a key just made has a bad record: ${key.reason}`)
  return key.asymmetricKeyDetails?.modulusLength ?? 256
}
