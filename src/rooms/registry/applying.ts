import { isDeepStrictEqual } from 'node:util'
import type { CheckedPolicy } from './document/read-policy.ts'
import type { CustomerDocument } from './document/schema.ts'
import { planLines } from './plan.ts'
import { makeTokens, readCustomers, rememberAssertions, writeCustomers } from './store/customers.ts'
import type { Store } from './store/tables.ts'
import { type Author, currentVersion, nextVersion } from './store/versions.ts'

/** `version` is the one in force afterwards; an empty plan makes none. */
export type Applied = { readonly version: number; readonly plan: readonly string[] }

/** What `applyPolicy` would do. */
export async function planPolicy(store: Store, policy: CheckedPolicy): Promise<readonly string[]> {
  return planLines(documents(await readCustomers(store)), wanted(policy))
}

/** Makes the whole policy be this one, in one transaction: relays see all of it or none of it. */
export function applyPolicy(store: Store, policy: CheckedPolicy, by: Author): Promise<Applied> {
  return store.transaction().execute(async (tx) => {
    const stored = await readCustomers(tx)
    const before = documents(stored)
    const after = wanted(policy)
    const plan = planLines(before, after)
    const gone = [...before.keys()].filter((id) => !after.has(id))
    const changed = [...after.values()].filter((document) => !isDeepStrictEqual(before.get(document.id), document))
    if (gone.length + changed.length === 0) return { version: await currentVersion(tx), plan }
    const version = await nextVersion(tx, by)
    await makeTokens(
      tx,
      changed.flatMap(({ id, domains }) => domains.map((domain) => ({ customer: id, domain: domain.name }))),
    )
    const moments = await rememberAssertions(tx, changed, by.at)
    await writeCustomers(
      tx,
      version,
      new Map([
        ...gone.map((id) => [id, null] as const),
        ...changed.map((document) => [document.id, { document, assertedAt: assertedAtOf(document, moments) }] as const),
      ]),
    )
    return { version, plan }
  })
}

export async function exportStored(store: Store): Promise<string> {
  const { exportText } = await import('./export-policy.ts')
  return exportText([...documents(await readCustomers(store)).values()])
}

function assertedAtOf(document: CustomerDocument, moments: ReadonlyMap<string, number>): Record<string, number> {
  const own = document.domains.flatMap(({ name }) => {
    const moment = moments.get(`${document.id}/${name}`)
    return moment === undefined ? [] : [[name, moment] as const]
  })
  return Object.fromEntries(own)
}

function documents(
  stored: ReadonlyMap<string, { readonly document: CustomerDocument }>,
): ReadonlyMap<string, CustomerDocument> {
  return new Map([...stored].map(([id, { document }]) => [id, document]))
}

/** As it will be read from the store again, so that the two compare. */
function wanted(policy: CheckedPolicy): ReadonlyMap<string, CustomerDocument> {
  const customers = JSON.parse(JSON.stringify(policy.customers)) as readonly CustomerDocument[]
  return new Map(customers.map((customer) => [customer.id, customer]))
}
