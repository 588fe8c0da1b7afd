import { setImmediate as breath } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { CheckedPolicy } from './document/checked-policy.ts'
import type { CustomerDocument } from './document/schema.ts'
import { planLines } from './plan.ts'
import type { StoredCustomer } from './snapshot/compile.ts'
import { makeTokens, parseStored, rememberAssertions, storedPages, writeCustomers } from './store/customers.ts'
import { dropRefusedClaims } from './store/claims.ts'
import { claimsOf, keepClaims } from './store/proofs.ts'
import type { Store } from './store/tables.ts'
import { type Author, currentVersion, nextVersion } from './store/versions.ts'
import { noteWanted } from './store/wanted.ts'

/** `version` is the one in force afterwards; an empty plan makes none. */
export type Applied = { readonly version: number; readonly plan: readonly string[] }

/** Customers that one policy has otherwise than another, by id. Who is only in `before` goes, who is only in `after` comes. */
type Difference = {
  readonly before: ReadonlyMap<string, CustomerDocument>
  readonly after: ReadonlyMap<string, CustomerDocument>
}

/** Customers written between two breaths: between them the process answers whoever asks. */
const partSize = 200

/** What `applyPolicy` would do. */
export function planPolicy(store: Store, policy: CheckedPolicy): Promise<readonly string[]> {
  const reading = store.transaction().setAccessMode('read only')
  return reading.execute(async (tx) => {
    const { before, after } = await difference(tx, policy)
    return planLines(before, after)
  })
}

/** Makes the whole policy be this one, in one transaction: relays see all of it or none of it. Writes only what differs. */
export function applyPolicy(store: Store, policy: CheckedPolicy, by: Author): Promise<Applied> {
  return store.transaction().execute(async (tx) => {
    const { before, after } = await difference(tx, policy)
    const plan = planLines(before, after)
    await dropRefusedClaims(tx)
    if (before.size + after.size === 0) return { version: await currentVersion(tx), plan }
    const version = await nextVersion(tx, by)
    const gone = [...before.keys()].filter((id) => !after.has(id))
    const nobody = new Map(gone.map((id) => [id, null]))
    await writeCustomers(tx, version, nobody)
    await noteWanted(tx, version, nobody)
    await keepClaims(tx, version, new Map(gone.map((id) => [id, []])), by.at)
    const changed = [...after.values()]
    for (let from = 0; from < changed.length; from += partSize) {
      const part = changed.slice(from, from + partSize)
      await makeTokens(
        tx,
        part.flatMap(({ id, domains }) => domains.map((domain) => ({ customer: id, domain: domain.name }))),
      )
      await keepClaims(tx, version, claimsOf(part), by.at)
      const moments = await rememberAssertions(tx, part, by.at)
      const stored = part.map(
        (document) => [document.id, { document, assertedAt: assertedAtOf(document, moments) }] as const,
      )
      await writeCustomers(tx, version, new Map<string, StoredCustomer>(stored))
      await noteWanted(tx, version, new Map(part.map((document) => [document.id, document])))
      await breath()
    }
    return { version, plan }
  })
}

export async function exportStored(store: Store): Promise<string> {
  const { exportText } = await import('./export-policy.ts')
  const documents: CustomerDocument[] = []
  for await (const page of storedPages(store)) documents.push(...page.map(({ text }) => documentIn(text)))
  return exportText(documents)
}

/** Compares text with text, and looks into a document only where they differ. */
async function difference(store: Store, policy: CheckedPolicy): Promise<Difference> {
  const before = new Map<string, CustomerDocument>()
  const after = new Map<string, CustomerDocument>()
  const seen = new Set<string>()
  for await (const page of storedPages(store)) {
    for (const { id, text } of page) {
      seen.add(id)
      const wanted = policy.documents.get(id)
      if (wanted !== undefined && text.startsWith(storedPrefix(wanted))) continue
      const was = documentIn(text)
      const is = wanted === undefined ? null : (JSON.parse(wanted) as CustomerDocument)
      if (isDeepStrictEqual(was, is)) continue
      before.set(id, was)
      if (is !== null) after.set(id, is)
    }
    await breath()
  }
  for (const [id, text] of policy.documents) if (!seen.has(id)) after.set(id, JSON.parse(text) as CustomerDocument)
  return { before, after }
}

/** How the stored form of a customer begins whose document this is. */
function storedPrefix(document: string): string {
  return `{"document":${document},"assertedAt":`
}

function documentIn(text: string): CustomerDocument {
  return parseStored(text).document
}

function assertedAtOf(document: CustomerDocument, moments: ReadonlyMap<string, number>): Record<string, number> {
  const own = document.domains.flatMap(({ name }) => {
    const moment = moments.get(`${document.id}/${name}`)
    return moment === undefined ? [] : [[name, moment] as const]
  })
  return Object.fromEntries(own)
}
