import type { Store, StoreTransaction } from './tables.ts'

/** Who changes the policy, and why: written beside each version. */
export type Author = { readonly author: string; readonly reason: string; readonly at: number }

/** The newest version; 0 before the first. One probe of an index. */
export async function currentVersion(store: Store): Promise<number> {
  const row = await store
    .selectFrom('policy_version')
    .select('version')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.version ?? 0
}

/** Begins the next version. The transaction holds the write lock, so no two get the same. */
export async function nextVersion(tx: StoreTransaction, by: Author): Promise<number> {
  const version = (await currentVersion(tx)) + 1
  await tx
    .insertInto('policy_version')
    .values({ version, ...by })
    .execute()
  return version
}
