import {
  type KeyName,
  type MadeKey,
  type StoredKey,
  type WantedKey,
  activeKey,
  addKeys,
  dueKeys,
  listKeys,
  lookAgain,
  wantedKeys,
} from './key-book.ts'
import {
  type Imported,
  type Rotation,
  type RotationOrder,
  agedKeys,
  goneKeys,
  hiddenKeys,
  importKey,
  revokeKey,
  rotateKeys,
  seenKeys,
} from './key-life.ts'
import { type KeyListing, listingOf } from './key-listing.ts'
import { readKey } from './store/keys.ts'
import type { Store } from './store/tables.ts'
import type { Author } from './store/versions.ts'
import { type Rewrapped, type WrappedPage, replaceWrapped, wrappedPage } from './wrapped-keys.ts'

/** The part of the registry that keeps keys. KEYS.md has their states and who moves them. */
export interface KeyRegistry {
  /** A key that may sign now, its private half wrapped; null for any other. */
  activeKey(key: KeyName): Promise<StoredKey | null>
  /** The key that counts at each name. */
  keys(): Promise<readonly KeyListing[]>
  /** The key that counts at this name; null when there is none. */
  keyAt(key: KeyName): Promise<KeyListing | null>
  /** At most `limit` of the keys that grants need and nobody has made, those of the latest change first. One probe of an index when there is none. */
  keysWanted(limit?: number): Promise<readonly WantedKey[]>
  /** Answers those that were added: a name that is taken is left as it is. */
  addKeys(keys: readonly MadeKey[]): Promise<readonly KeyName[]>
  /** Keys about which something is to be done at `now`, at most twice `limit`. */
  keysToLookFor(now: number, limit: number): Promise<readonly KeyListing[]>
  /** When something is to be done about each of these again, in milliseconds since the epoch. */
  lookForKeysAgain(keys: readonly (KeyName & { readonly at: number })[]): Promise<void>
  /** The record was seen. The version from which on the key signs; null when it does not begin to, or only when caches have forgotten another. */
  markKeyActive(selector: string, domain: string, author?: string): Promise<number | null>
  /** The same for several, in one version. */
  markKeysActive(keys: readonly KeyName[], author?: string): Promise<number | null>
  /** Their records are hidden again, before they signed. */
  markKeysHidden(keys: readonly KeyName[]): Promise<void>
  /** What they left in DNS is gone. */
  markKeysGone(keys: readonly KeyName[]): Promise<void>
  /** Retires those of which no mail can be on its way; `giveUpAfter` is the queue's, in milliseconds. */
  markKeysAged(keys: readonly KeyName[], giveUpAfter: number): Promise<void>
  /** The version from which on it signs nothing, and another is wanted; null when there is no such key, or it is revoked. */
  revokeKey(key: KeyName, author: string, reason: string): Promise<number | null>
  /** Has successors made; the keys sign until those were seen. */
  rotateKeys(order: RotationOrder, author: string, reason: string): Promise<readonly Rotation[]>
  importKey(key: MadeKey, author: string, reason: string): Promise<Imported>
  /** Keys with their wrapped private halves, `limit` of them after a place; for who wraps them anew. */
  wrappedKeys(after: string | null, limit: number): Promise<WrappedPage>
  /** Puts new wrappings in the place of those that were read; one that has changed meanwhile is left. */
  rewrapKeys(keys: readonly Rewrapped[]): Promise<void>
}

type By = (author: string, reason: string) => Author

export function keyRegistry(store: Store, by: By): KeyRegistry {
  const now = (): number => by('', '').at
  return {
    activeKey: (key) => activeKey(store, key),
    keys: () => listKeys(store),
    keyAt: async ({ selector, domain }) => {
      const row = await readKey(store, selector, domain)
      return row === null ? null : listingOf(row)
    },
    keysWanted: (limit = 1000) => wantedKeys(store, limit),
    addKeys: (keys) => addKeys(store, keys, now()),
    keysToLookFor: (at, limit) => dueKeys(store, at, limit),
    lookForKeysAgain: (keys) => lookAgain(store, keys),
    markKeyActive: (selector, domain, author = 'key check') =>
      seenKeys(store, [{ selector, domain }], by(author, `the record of ${selector} at ${domain} was seen`)),
    markKeysActive: (keys, author = 'key check') =>
      seenKeys(store, keys, by(author, `the records of ${keys.length} keys were seen`)),
    markKeysHidden: (keys) => hiddenKeys(store, keys, now()),
    markKeysGone: (keys) => goneKeys(store, keys, now()),
    markKeysAged: (keys, giveUpAfter) => agedKeys(store, keys, giveUpAfter, now()),
    revokeKey: (key, author, reason) => revokeKey(store, key, by(author, reason)),
    rotateKeys: (order, author, reason) => rotateKeys(store, order, by(author, reason)),
    importKey: (key, author, reason) => importKey(store, key, by(author, reason)),
    wrappedKeys: (after, limit) => wrappedPage(store, after, limit),
    rewrapKeys: (keys) => replaceWrapped(store, keys),
  }
}
