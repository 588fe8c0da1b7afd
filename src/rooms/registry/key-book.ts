import { isSyntaxFault } from '../../standards/fault.ts'
import { type SignatureAlgorithm, parseKeyRecord, publicKeyOf } from '../../standards/dkim/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type KeyListing, listingOf, listingsOf } from './key-listing.ts'
import { freeSelector } from './selector.ts'
import { type KeyRow, readDueKeys, readKey, readKeys, readPlaces, writeKey, writeNextLook } from './store/keys.ts'
import type { Store, StoreTransaction } from './store/tables.ts'
import { dropWanted, readWanted } from './store/wanted.ts'

/** A key that a grant needs and that nobody has made. */
export type WantedKey = {
  readonly customer: string
  readonly domain: Domain
  readonly source: string
  readonly algorithm: SignatureAlgorithm
  /** Of RSA; Ed25519 has one length. */
  readonly bits?: 2048 | 3072 | 4096
  readonly selector: string
}

/** A key just made or brought from elsewhere, its private half wrapped. */
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

/** What names a key: no two that are of use have both the same. */
export type KeyName = Pick<MadeKey, 'selector' | 'domain'>

export type StoredKey = Pick<MadeKey, 'customer' | 'domain' | 'source' | 'algorithm' | 'selector' | 'wrapped'>

export async function listKeys(store: Store): Promise<readonly KeyListing[]> {
  return listingsOf(await readKeys(store))
}

/** At most `limit` keys that grants need and nobody has made, those of the latest change of policy first. */
export async function wantedKeys(store: Store, limit: number): Promise<readonly WantedKey[]> {
  const rows = await readWanted(store, limit)
  const places = await readPlaces(store, [...new Set(rows.map((row) => row.domain))])
  const newest = new Map(places.map((place) => [`${place.selector} ${place.domain}`, place]))
  return rows.map(({ customer, domain, source, algorithm, bits }) => ({
    customer,
    domain: domain as Domain,
    source,
    algorithm,
    ...(algorithm === 'rsa-sha256' ? { bits: bits as 2048 | 3072 | 4096 } : {}),
    selector: freeSelector(source, algorithm, (selector) => isFree(newest.get(`${selector} ${domain}`))),
  }))
}

/** A name may have another key when nobody looks for the last one there any more. */
function isFree(last: Pick<KeyRow, 'state' | 'gone_at'> | null | undefined): boolean {
  return !last || last.state === 'retired' || (last.state === 'revoked' && last.gone_at !== null)
}

/** Keys about which something is to be done at `now`: a look in DNS, or a step by the clock. */
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

/** Stores keys just made, each pending until its record is seen. One whose selector is taken at its domain is left out; answers the others. */
export function addKeys(store: Store, keys: readonly MadeKey[], at: number): Promise<readonly KeyName[]> {
  return store.transaction().execute(async (tx) => {
    const added: KeyName[] = []
    for (const key of keys) {
      if (await addKey(tx, key, at)) added.push({ selector: key.selector, domain: key.domain })
      await dropWanted(tx, key)
    }
    return added
  })
}

/** false: the name is taken. */
export async function addKey(tx: StoreTransaction, key: MadeKey, at: number): Promise<boolean> {
  const last = await readKey(tx, key.selector, key.domain)
  if (!isFree(last)) return false
  // Its name is another's now: what stands there is looked at for the new key alone.
  if (last !== null) await writeKey(tx, last, { gone_at: last.gone_at ?? at, look_at: null })
  const places = await readPlaces(tx, [key.domain])
  const row: KeyRow = {
    domain: key.domain,
    selector: key.selector,
    source: key.source,
    customer: key.customer,
    algorithm: key.algorithm,
    bits: bitsOf(key.publicRecord),
    generation: 1 + (places.at(-1)?.generation ?? 0),
    state: 'pending',
    state_since: at,
    wrapped: key.wrapped,
    public_key: key.p,
    record: key.publicRecord,
    created_at: at,
    seen_at: null,
    gone_at: null,
    active_from_version: null,
    active_until_version: null,
    look_at: at,
  }
  await tx.insertInto('signing_key').values(row).execute()
  return true
}

/** A key that may sign now, with its private half as it is stored; null for any other. */
export async function activeKey(store: Store, { selector, domain }: KeyName): Promise<StoredKey | null> {
  const row = await readKey(store, selector, domain)
  return row?.state === 'active' ? storedOf(row) : null
}

export function storedOf({ customer, domain, source, algorithm, selector, wrapped }: KeyRow): StoredKey {
  return { customer, domain, source, algorithm, selector, wrapped }
}

function bitsOf(publicRecord: string): number {
  const record = parseKeyRecord(publicRecord)
  const key = isSyntaxFault(record) ? record : publicKeyOf(record)
  if (isSyntaxFault(key)) throw new Error(`a key just made has a bad record: ${key.reason}`)
  return key.asymmetricKeyDetails?.modulusLength ?? 256
}
