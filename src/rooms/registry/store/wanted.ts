import type { Domain } from '../../../standards/names/domain.ts'
import type { CustomerDocument } from '../document/schema.ts'
import { selfDocument, selfId } from '../document/self.ts'
import { readCustomer } from './customers.ts'
import type { KeyLine } from './keys.ts'
import { inParts, writeInParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

type WantedRow = RegistryTables['wanted_key']

/**
 * Writes down which keys these customers lack: one for each (domain, source) that a grant names and each algorithm that the domain asks
 * for, unless one of the length that it names is there that signs or will sign. What a rotation asked for stays asked for while it is needed at all.
 * null: the customer is gone. Costs what these customers have, not what all have.
 */
export async function noteWanted(
  tx: StoreTransaction,
  version: number,
  customers: ReadonlyMap<string, CustomerDocument | null>,
): Promise<void> {
  const ids = [...customers.keys()]
  const held = await inParts(ids, (part) =>
    tx
      .selectFrom('signing_key')
      .select(['customer', 'domain', 'source', 'algorithm', 'bits'])
      .where('customer', 'in', part)
      .where('state', 'in', ['pending', 'published', 'active'])
      .execute(),
  )
  const rotating = await inParts(ids, (part) =>
    tx.selectFrom('wanted_key').selectAll().where('customer', 'in', part).where('rotation', '=', 1).execute(),
  )
  await writeInParts(ids, 1, (part) => tx.deleteFrom('wanted_key').where('customer', 'in', part).execute())
  const alive = new Set(held.flatMap((key) => [nameOf(key), sizedName(key)]))
  const turned = new Map(rotating.map((row) => [nameOf(row), row]))
  const wanted = [...customers.values()]
    .flatMap((document) => (document === null ? [] : needsOf(document, version)))
    .flatMap(({ exact, ...need }) => {
      const rotation = turned.get(nameOf(need))
      if (rotation !== undefined) return [{ ...rotation, bits: need.bits }]
      return alive.has(exact ? sizedName(need) : nameOf(need)) ? [] : [need]
    })
  await writeInParts(wanted, 7, (part) => tx.insertInto('wanted_key').values(part).execute())
}

/** Asks for a key beside one that signs. */
export async function noteRotation(tx: StoreTransaction, line: KeyLine, bits: number, version: number): Promise<void> {
  const { customer, domain, source, algorithm } = line
  await tx
    .insertInto('wanted_key')
    .values({ customer, domain, source, algorithm, bits, rotation: 1, turn: -version })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The keys to make next: those of the latest change of policy first, since whoever made it waits for them. */
export async function readWanted(store: Store, limit: number): Promise<readonly WantedRow[]> {
  return store
    .selectFrom('wanted_key')
    .selectAll()
    .orderBy('turn')
    .orderBy('customer')
    .orderBy('domain')
    .orderBy('source')
    .orderBy('algorithm')
    .limit(limit)
    .execute()
}

/** Whether a key of this line is to be made. */
export async function readWantedLine(store: Store, key: KeyLine): Promise<boolean> {
  const row = await store
    .selectFrom('wanted_key')
    .select('turn')
    .where('customer', '=', key.customer)
    .where('domain', '=', key.domain)
    .where('source', '=', key.source)
    .where('algorithm', '=', key.algorithm)
    .executeTakeFirst()
  return row !== undefined
}

export async function dropWanted(tx: StoreTransaction, key: KeyLine): Promise<void> {
  await tx
    .deleteFrom('wanted_key')
    .where('customer', '=', key.customer)
    .where('domain', '=', key.domain)
    .where('source', '=', key.source)
    .where('algorithm', '=', key.algorithm)
    .execute()
}

/** The length of the key that the customer's policy asks for here; null when it asks for none. */
export async function neededBits(store: Store, key: KeyLine): Promise<number | null> {
  const document = await documentOf(store, key)
  if (document === null) return null
  return needsOf(document, 0).find((need) => nameOf(need) === nameOf(key))?.bits ?? null
}

/** What the owner of a key has written, or what stands for it where that is the relay itself; null when he is gone. */
export async function documentOf(
  store: Store,
  { customer, domain }: Pick<KeyLine, 'customer' | 'domain'>,
): Promise<CustomerDocument | null> {
  if (customer === selfId) return selfDocument(domain as Domain)
  return (await readCustomer(store, customer))?.document ?? null
}

/** `exact`: a key of another length will not do. */
function needsOf(document: CustomerDocument, version: number): readonly (WantedRow & { readonly exact: boolean })[] {
  const own = new Map(document.domains.map((domain) => [domain.name, domain]))
  const needs = document.grants.flatMap((grant) =>
    grant.domains.flatMap((domain) =>
      (own.get(domain)?.signing.algorithms ?? ['rsa']).map((word) => ({
        customer: document.id,
        domain,
        source: grant.source,
        ...keyKinds[word],
        rotation: 0,
        turn: -version,
      })),
    ),
  )
  return [...new Map(needs.map((need) => [nameOf(need), need])).values()]
}

/** What each word of `signing.algorithms` asks for. */
const keyKinds = {
  rsa: { algorithm: 'rsa-sha256', bits: 2048, exact: false },
  'rsa-2048': { algorithm: 'rsa-sha256', bits: 2048, exact: true },
  'rsa-3072': { algorithm: 'rsa-sha256', bits: 3072, exact: true },
  'rsa-4096': { algorithm: 'rsa-sha256', bits: 4096, exact: true },
  ed25519: { algorithm: 'ed25519-sha256', bits: 256, exact: false },
} as const

function nameOf({ customer, domain, source, algorithm }: KeyLine): string {
  return `${customer}/${domain}/${source}/${algorithm}`
}

function sizedName(key: KeyLine & { readonly bits: number }): string {
  return `${nameOf(key)}/${key.bits}`
}
