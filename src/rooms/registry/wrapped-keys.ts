import { type StoredKey, storedOf } from './key-book.ts'
import type { Store } from './store/tables.ts'

/** A stored key and its place in the order of all. */
export type PlacedKey = { readonly at: string; readonly key: StoredKey }

export type WrappedPage = readonly PlacedKey[]

/** A key as it was read, and how it is wrapped now. */
export type Rewrapped = PlacedKey & { readonly wrapped: string }

/** Keys of any state after a place, in an order that stays: a run that was broken off goes on, or begins anew to the same end. */
export async function wrappedPage(store: Store, after: string | null, limit: number): Promise<WrappedPage> {
  const [domain = '', selector = '', generation = '0'] = (after ?? '').split(' ')
  const rows = await store
    .selectFrom('signing_key')
    .selectAll()
    .where((where) =>
      where.or([
        where('domain', '>', domain),
        where.and([where('domain', '=', domain), where('selector', '>', selector)]),
        where.and([
          where('domain', '=', domain),
          where('selector', '=', selector),
          where('generation', '>', Number(generation)),
        ]),
      ]),
    )
    .orderBy('domain')
    .orderBy('selector')
    .orderBy('generation')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ at: `${row.domain} ${row.selector} ${row.generation}`, key: storedOf(row) }))
}

/** Each key has the one wrapping or the other, never none: all of a page are written or none of them. */
export async function replaceWrapped(store: Store, keys: readonly Rewrapped[]): Promise<void> {
  await store.transaction().execute(async (tx) => {
    for (const { at, key, wrapped } of keys) {
      const [domain = '', selector = '', generation = ''] = at.split(' ')
      await tx
        .updateTable('signing_key')
        .set({ wrapped })
        .where('domain', '=', domain)
        .where('selector', '=', selector)
        .where('generation', '=', Number(generation))
        .where('wrapped', '=', key.wrapped)
        .execute()
    }
  })
}
