import type { LedgerEvent } from '../ledger/index.ts'
import type { RefusedClaim } from './document/problems.ts'
import { domainEventId } from './proof-book.ts'
import { dropRefusedClaims, readRefusedClaims, writeRefusedClaims } from './store/claims.ts'
import { recordEvents } from './store/events.ts'
import type { Store } from './store/tables.ts'

/**
 * Keeps the claims to domains of others that a refused policy made, in place of those of the one before, and tells claimant and holder of
 * each that is new: a ledger event for both.
 */
export async function reportRefusedClaims(store: Store, claims: readonly RefusedClaim[], at: number): Promise<void> {
  if (claims.length === 0) return
  await store.transaction().execute(async (tx) => {
    const known = new Map((await readRefusedClaims(tx)).map((row) => [nameOf(row.domain, row.customer), row]))
    const single = new Map(claims.map((claim) => [nameOf(claim.domain, claim.claimant), claim]))
    const fresh = [...single].filter(([name]) => !known.has(name)).map(([, claim]) => claim)
    await dropRefusedClaims(tx)
    const rows = [...single].map(([name, { domain, claimant, holder }]) => ({
      domain,
      customer: claimant,
      holder,
      at: known.get(name)?.at ?? at,
    }))
    await writeRefusedClaims(tx, rows)
    await recordEvents(
      tx,
      fresh.flatMap((claim) => [claim.claimant, claim.holder].map((customer) => eventFor(customer, claim, at))),
    )
  })
}

function eventFor(customer: string, { domain, claimant, holder }: RefusedClaim, at: number): LedgerEvent {
  return {
    kind: 'claim-refused',
    at,
    id: domainEventId(domain),
    customer,
    source: null,
    detail: { domain, claimant, holder },
  }
}

function nameOf(domain: string, claimant: string): string {
  return `${domain} ${claimant}`
}
