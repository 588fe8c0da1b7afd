import type { Domain } from '../../standards/names/domain.ts'
import { proofRecordName, proofRecordValue } from './check-proof.ts'
import { whyNotOwnable } from './document/ownable.ts'
import { selfId } from './document/self.ts'
import type { OwnedDomain } from './policy.ts'
import type { ProofState } from './proof-state.ts'
import { loadSnapshot } from './reading.ts'
import { type RefusedClaimRow, readRefusedClaims } from './store/claims.ts'
import { type ProofRow, readProofRows, readProofs } from './store/proofs.ts'
import type { Store } from './store/tables.ts'

/** A domain as people see it, with the TXT record that proves it. Moments are in ISO 8601. */
export type DomainListing = {
  readonly domain: Domain
  /** null: the operator's own. */
  readonly customer: string | null
  readonly proof: 'dns' | 'asserted'
  /** `refused`: this customer claimed it although it is another's. */
  readonly state: ProofState | 'asserted' | 'refused'
  /** Since when it is in that state; null where nobody wrote it down. */
  readonly since: string | null
  /** When the proof ends, or ended; null while it does not. */
  readonly lapses: string | null
  readonly lookedAt: string | null
  readonly seenAt: string | null
  /** What the last look found instead of the record, or what else stands against it. */
  readonly trouble: string | null
  readonly record: { readonly name: string; readonly type: 'TXT'; readonly value: string } | null
  /** Where reports about its mail come back; null where its policy names none. */
  readonly returnPath: Domain | null
}

/** All domains, the operator's own included: its owner proves it as anybody does. Then the claims that were refused. */
export async function listDomains(store: Store, operator: Domain, now: number): Promise<readonly DomainListing[]> {
  const snapshot = await loadSnapshot(store, operator)
  const rows = new Map((await readProofRows(store, null)).map((row) => [`${row.customer}/${row.domain}`, row]))
  const tokens = await readProofs(store, [...snapshot.customers.keys()], 'now')
  const claims = await readRefusedClaims(store)
  const claimed = Map.groupBy(claims, (claim) => `${claim.holder}/${claim.domain}`)
  return [...snapshot.customers.values()]
    .flatMap((customer) => customer.domains)
    .map((domain) => {
      const name = `${domain.customer}/${domain.name}`
      return listingOf(domain, rows.get(name) ?? null, tokens.get(name)?.token ?? '', claimed.get(name) ?? [], now)
    })
    .concat(claims.map(refusedListing))
    .toSorted((a, b) => (a.domain < b.domain ? -1 : a.domain > b.domain ? 1 : 0))
}

function listingOf(
  domain: OwnedDomain,
  row: ProofRow | null,
  token: string,
  claims: readonly RefusedClaimRow[],
  now: number,
): DomainListing {
  const { proof } = domain
  const state = stateOf(domain, row, now)
  const hindrance = domain.customer === selfId ? whyNotOwnable(domain.name) : null
  const troubles = [
    ...(row?.trouble == null ? [] : [row.trouble]),
    ...(hindrance === null ? [] : [`${domain.name} ${hindrance}: set operator.domain`]),
    ...claims.map((claim) => `customer ${claim.customer} claimed it too, and was refused`),
  ]
  return {
    domain: domain.name,
    customer: domain.customer === selfId ? null : domain.customer,
    proof: proof.kind,
    state,
    since: moment(row?.since ?? null),
    lapses: moment(proof.lapsesAt),
    lookedAt: moment(row?.looked_at ?? null),
    seenAt: moment(row?.seen_at ?? null),
    trouble: troubles.length === 0 ? null : troubles.join('; '),
    record: { name: proofRecordName(domain.name), type: 'TXT', value: proofRecordValue(token) },
    returnPath: domain.returnPath,
  }
}

function refusedListing(claim: RefusedClaimRow): DomainListing {
  return {
    domain: claim.domain as Domain,
    customer: claim.customer,
    proof: 'dns',
    state: 'refused',
    since: moment(claim.at),
    lapses: null,
    lookedAt: null,
    seenAt: null,
    trouble: `it is customer ${claim.holder}'s: one owner for each domain`,
    record: null,
    returnPath: null,
  }
}

/** By the clock, as mail is judged: a lapse has come although nobody has looked since. */
function stateOf({ proof }: OwnedDomain, row: ProofRow | null, now: number): DomainListing['state'] {
  if (proof.lapsesAt !== null && proof.lapsesAt <= now) return 'lapsed'
  if (proof.kind === 'asserted') return 'asserted'
  return row?.state ?? 'unproven'
}

function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
