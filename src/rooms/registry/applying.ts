import { isDeepStrictEqual } from 'node:util'
import type { CheckedPolicy } from './document/read-policy.ts'
import type { CustomerDocument } from './document/schema.ts'
import { exportText } from './export-policy.ts'
import { planLines } from './plan.ts'
import { makeTokens, readCustomers, rememberAssertions, writeCustomer } from './store/customers.ts'
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
    for (const id of gone) await writeCustomer(tx, version, id, null)
    for (const document of changed) {
      const assertedAt = await rememberAssertions(tx, document, by.at)
      await makeTokens(
        tx,
        document.id,
        document.domains.map((domain) => domain.name),
      )
      await writeCustomer(tx, version, document.id, { document, assertedAt })
    }
    return { version, plan }
  })
}

export async function exportStored(store: Store): Promise<string> {
  return exportText([...documents(await readCustomers(store)).values()])
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
