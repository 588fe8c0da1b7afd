import { isSyntaxFault } from '../../standards/fault.ts'
import { type SignatureAlgorithm, keyRecordName, parseKeyRecord, publicKeyOf } from '../../standards/dkim/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { selectorFor } from './selector.ts'
import { readCustomers } from './store/customers.ts'
import { type KeyRow, readChangedKeys, readKey, readKeys, writeKeyState } from './store/keys.ts'
import type { Store } from './store/tables.ts'
import { type Author, nextVersion } from './store/versions.ts'

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

export type StoredKey = Pick<MadeKey, 'customer' | 'domain' | 'source' | 'algorithm' | 'selector' | 'wrapped'>

export async function listKeys(store: Store): Promise<readonly KeyListing[]> {
  return (await readKeys(store)).map(listingOf)
}

/** For each (domain, source) that a grant names and each algorithm that the domain asks for: what has no key that is pending or active. */
export async function wantedKeys(store: Store): Promise<readonly WantedKey[]> {
  const rows = await readKeys(store)
  const alive = new Set(rows.filter((row) => row.state !== 'retired').map((row) => keyOf(row, row.customer)))
  const generations = new Map<string, number>()
  for (const row of rows) {
    generations.set(keyOf(row, ''), Math.max(generations.get(keyOf(row, '')) ?? 0, row.generation))
  }
  const wanted: WantedKey[] = []
  for (const { document } of (await readCustomers(store)).values()) {
    const own = new Map(document.domains.map((domain) => [domain.name, domain]))
    for (const grant of document.grants) {
      for (const domain of grant.domains) {
        const algorithms = own.get(domain)?.signing.algorithms ?? ['rsa']
        for (const short of algorithms) {
          const key = { domain, source: grant.source, algorithm: `${short}-sha256` as const }
          if (alive.has(keyOf(key, document.id))) continue
          const generation = (generations.get(keyOf(key, '')) ?? 0) + 1
          wanted.push({ ...key, customer: document.id, selector: selectorFor(grant.source, key.algorithm, generation) })
        }
      }
    }
  }
  return wanted
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
      }
      await tx
        .insertInto('signing_key')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
  })
}

/** A pending key may sign from the version that this makes on; null when there is no pending key of that name. */
export function activateKey(store: Store, selector: string, domain: string, by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const key = await readKey(tx, selector, domain)
    if (key === null || key.state !== 'pending') return null
    const version = await nextVersion(tx, by)
    await writeKeyState(tx, key, { state: 'active', seen_at: by.at, active_from_version: version })
    return version
  })
}

/** The key signs nothing from the version that this makes on; null when there is no such key, or it is retired already. */
export function retireKey(store: Store, selector: string, domain: string, by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const key = await readKey(tx, selector, domain)
    if (key === null || key.state === 'retired') return null
    const version = await nextVersion(tx, by)
    await writeKeyState(tx, key, { state: 'retired', active_until_version: version })
    return version
  })
}

/** What the signer needs to hold since `version`, and what it needs to drop. With 0: all active keys. */
export async function wrappedKeys(
  store: Store,
  version: number,
): Promise<{ readonly gained: readonly StoredKey[]; readonly lost: readonly StoredKey[] }> {
  const rows = await readChangedKeys(store, version)
  const kept = (active: boolean) => rows.filter((row) => (row.state === 'active') === active).map(storedOf)
  return { gained: kept(true), lost: kept(false) }
}

function storedOf({ customer, domain, source, algorithm, selector, wrapped }: KeyRow): StoredKey {
  return { customer, domain, source, algorithm, selector, wrapped }
}

function listingOf(row: KeyRow): KeyListing {
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

function keyOf(
  key: { readonly domain: string; readonly source: string; readonly algorithm: string },
  customer: string,
): string {
  return `${customer}/${key.domain}/${key.source}/${key.algorithm}`
}

function bitsOf(publicRecord: string): number {
  const record = parseKeyRecord(publicRecord)
  const key = isSyntaxFault(record) ? record : publicKeyOf(record)
  if (isSyntaxFault(key)) throw new Error(`a key just made has a bad record: ${key.reason}`)
  return key.asymmetricKeyDetails?.modulusLength ?? 256
}
