import type { CustomerDocument } from '../document/schema.ts'
import { inParts, writeInParts } from './parts.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

type WantedRow = RegistryTables['wanted_key']

/**
 * Writes down which keys these customers lack: one for each (domain, source) that a grant names and each algorithm that the domain asks
 * for, unless one that is pending or active is there. null: the customer is gone. Costs what these customers have, not what all have.
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
      .select(['customer', 'domain', 'source', 'algorithm'])
      .where('customer', 'in', part)
      .where('state', '!=', 'retired')
      .execute(),
  )
  await writeInParts(ids, 1, (part) => tx.deleteFrom('wanted_key').where('customer', 'in', part).execute())
  const alive = new Set(held.map(nameOf))
  const wanted = [...customers.values()]
    .flatMap((document) => (document === null ? [] : needsOf(document, version)))
    .filter((row) => !alive.has(nameOf(row)))
  await writeInParts(wanted, 5, (part) => tx.insertInto('wanted_key').values(part).execute())
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

export async function dropWanted(tx: StoreTransaction, key: Omit<WantedRow, 'turn'>): Promise<void> {
  await tx
    .deleteFrom('wanted_key')
    .where('customer', '=', key.customer)
    .where('domain', '=', key.domain)
    .where('source', '=', key.source)
    .where('algorithm', '=', key.algorithm)
    .execute()
}

function needsOf(document: CustomerDocument, version: number): readonly WantedRow[] {
  const own = new Map(document.domains.map((domain) => [domain.name, domain]))
  const needs = document.grants.flatMap((grant) =>
    grant.domains.flatMap((domain) =>
      (own.get(domain)?.signing.algorithms ?? ['rsa']).map((short) => ({
        customer: document.id,
        domain,
        source: grant.source,
        algorithm: `${short}-sha256` as const,
        turn: -version,
      })),
    ),
  )
  return [...new Map(needs.map((need) => [nameOf(need), need])).values()]
}

function nameOf({ customer, domain, source, algorithm }: Omit<WantedRow, 'turn'>): string {
  return `${customer}/${domain}/${source}/${algorithm}`
}
