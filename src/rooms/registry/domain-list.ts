import type { Domain } from '../../standards/names/domain.ts'
import type { OwnedDomain } from './policy.ts'
import { loadSnapshot } from './reading.ts'
import { selfId } from './document/self.ts'
import { makeTokens, readTokens } from './store/customers.ts'
import type { Store } from './store/tables.ts'

/** A domain as people see it, with the TXT record that proves it. */
export type DomainListing = {
  readonly domain: Domain
  readonly customer: string
  readonly proof: 'dns' | 'asserted'
  readonly status: 'unproven' | 'proved' | 'asserted' | 'lapsed'
  /** When the proof ends, in ISO 8601; null while there is none. */
  readonly lapses: string | null
  readonly record: { readonly name: string; readonly type: 'TXT'; readonly value: string }
}

/** All domains, the operator's own included: its owner proves it as anybody does. */
export async function listDomains(store: Store, operator: Domain, now: number): Promise<readonly DomainListing[]> {
  await store.transaction().execute((tx) => makeTokens(tx, [{ customer: selfId, domain: operator }]))
  const snapshot = await loadSnapshot(store, operator)
  const tokens = await readTokens(store, [...snapshot.customers.keys()])
  return [...snapshot.customers.values()]
    .flatMap((customer) => customer.domains)
    .map((domain) => listingOf(domain, tokens.get(`${domain.customer}/${domain.name}`) ?? '', now))
    .toSorted((a, b) => (a.domain < b.domain ? -1 : 1))
}

function listingOf(domain: OwnedDomain, token: string, now: number): DomainListing {
  const { proof } = domain
  return {
    domain: domain.name,
    customer: domain.customer,
    proof: proof.kind,
    status: statusOf(domain, now),
    lapses: proof.lapsesAt === null ? null : new Date(proof.lapsesAt).toISOString(),
    record: { name: `_anechoic-challenge.${domain.name}`, type: 'TXT', value: `anechoic-challenge=${token}` },
  }
}

function statusOf({ proof }: OwnedDomain, now: number): DomainListing['status'] {
  if (proof.lapsesAt !== null && proof.lapsesAt <= now) return 'lapsed'
  if (proof.kind === 'asserted') return 'asserted'
  return proof.provedAt === null ? 'unproven' : 'proved'
}
