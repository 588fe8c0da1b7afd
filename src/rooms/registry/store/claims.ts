import { writeInParts } from './parts.ts'
import type { ProofTables } from './proof-tables.ts'
import type { Store, StoreTransaction } from './tables.ts'

export type RefusedClaimRow = ProofTables['refused_claim']

/** Claims that the last policy made in vain, by domain and claimant. */
export async function readRefusedClaims(store: Store): Promise<readonly RefusedClaimRow[]> {
  return store.selectFrom('refused_claim').selectAll().orderBy('domain').orderBy('customer').execute()
}

export async function writeRefusedClaims(tx: StoreTransaction, rows: readonly RefusedClaimRow[]): Promise<void> {
  await writeInParts(rows, 4, (part) => tx.insertInto('refused_claim').values(part).execute())
}

/** A policy that was taken settles every claim. */
export async function dropRefusedClaims(tx: StoreTransaction): Promise<void> {
  await tx.deleteFrom('refused_claim').execute()
}
