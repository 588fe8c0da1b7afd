import { type KeyListing, listingOf } from './key-listing.ts'
import type { KeyName, MadeKey } from './key-book.ts'
import { addKey } from './key-book.ts'
import { type KeyEvent, agedAt, nextState, settledAt } from './key-state.ts'
import {
  type KeyRow,
  type ListedKeyRow,
  nameHadAnother,
  readKey,
  readLine,
  readSigning,
  writeKey,
} from './store/keys.ts'
import type { Store, StoreTransaction } from './store/tables.ts'
import { type Author, nextVersion } from './store/versions.ts'
import { documentOf, dropWanted, neededBits, noteRotation, noteWanted, readWantedLine } from './store/wanted.ts'

/** The version of a change that may turn out not to be one: made when it is first asked for. */
type Lazily = { readonly version: () => Promise<number>; readonly made: () => number | null }

/**
 * The records of these keys were seen. Those that may sign do so from the version that this makes on, and the keys before them cease in
 * the same; null when nobody's right to sign began. A key at a name that had another waits until caches forget.
 */
export function seenKeys(store: Store, names: readonly KeyName[], by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const change = lazily(tx, by)
    for (const name of names) {
      const key = await readKey(tx, name.selector, name.domain)
      if (key !== null) await seen(tx, key, change, by.at)
    }
    return change.made()
  })
}

async function seen(tx: StoreTransaction, key: KeyRow, change: Lazily, at: number): Promise<void> {
  const state = nextState(key.state, 'seen') ?? key.state
  if (state !== 'published') return
  const seenAt = key.state === 'published' ? (key.seen_at ?? at) : at
  // Where no key signs, mail waits: a cache that nobody had a reason to fill for days is the lesser risk.
  const mayWait = (await readLine(tx, key, ['active'])).length > 0
  const settled = settledAt(seenAt, mayWait && (await nameHadAnother(tx, key)))
  const next = settled <= at ? nextState(state, 'settled') : null
  if (next === null) {
    if (key.state === 'published') return
    return writeKey(tx, key, { state, state_since: at, seen_at: seenAt, look_at: settled })
  }
  const version = await change.version()
  const begins = { active_from_version: version, look_at: null }
  await writeKey(tx, key, { state: next, state_since: at, seen_at: seenAt, ...begins })
  await supersede(tx, key, version, at)
}

/** Ends the keys of the same line that are older than one that signs from now on. */
async function supersede(tx: StoreTransaction, key: KeyRow, version: number, at: number): Promise<void> {
  for (const older of await readLine(tx, key, ['pending', 'published', 'active'])) {
    if (older.generation < key.generation) await end(tx, older, 'superseded', version, at)
  }
}

async function end(
  tx: StoreTransaction,
  key: ListedKeyRow,
  event: KeyEvent,
  version: number | null,
  at: number,
): Promise<boolean> {
  const state = nextState(key.state, event)
  if (state === null) return false
  const ends = key.state === 'active' ? { active_until_version: version } : {}
  await writeKey(tx, key, { state, state_since: at, look_at: at, ...ends })
  return true
}

/** The records of these keys are hidden again before they signed. */
export function hiddenKeys(store: Store, names: readonly KeyName[], at: number): Promise<void> {
  return changeEach(store, names, async (tx, key) => {
    const state = nextState(key.state, 'unseen')
    if (state !== null) await writeKey(tx, key, { state, state_since: at, look_at: at })
  })
}

/** What these retired or revoked keys left in DNS is gone. */
export function goneKeys(store: Store, names: readonly KeyName[], at: number): Promise<void> {
  return changeEach(store, names, async (tx, key) => {
    const over = key.state === 'retired' || key.state === 'revoked'
    if (over && key.gone_at === null) await writeKey(tx, key, { gone_at: at, look_at: null })
  })
}

/** Of these keys, those that have been retiring for long enough are retired; the others are looked at when they will have been. */
export function agedKeys(store: Store, names: readonly KeyName[], giveUpAfter: number, at: number): Promise<void> {
  return changeEach(store, names, async (tx, key) => {
    if (key.state !== 'retiring') return
    const aged = agedAt(key.state_since, giveUpAfter)
    if (aged <= at) await end(tx, key, 'aged', null, at)
    else await writeKey(tx, key, { look_at: aged })
  })
}

/** The key is believed by nobody from the version that this makes on, and another is wanted; null when there is none, or it is revoked. */
export function revokeKey(store: Store, { selector, domain }: KeyName, by: Author): Promise<number | null> {
  return store.transaction().execute(async (tx) => {
    const key = await readKey(tx, selector, domain)
    if (key === null || nextState(key.state, 'revoked') === null) return null
    const version = await nextVersion(tx, by)
    await writeKey(tx, key, { gone_at: null })
    await end(tx, key, 'revoked', version, by.at)
    // One that rests behind it need not rest any longer.
    for (const next of await readLine(tx, key, ['published'])) await writeKey(tx, next, { look_at: by.at })
    await noteWanted(tx, version, new Map([[key.customer, await documentOf(tx, key)]]))
    return version
  })
}

/** What a rotation does about a key that signs. */
export type Rotation = {
  readonly key: KeyListing
  /** `asked`: another is to be made. `under-way`: there is one already that waits for its record. `not-needed`: no grant asks for it. */
  readonly outcome: 'asked' | 'under-way' | 'not-needed'
}

export type RotationOrder = {
  /** null: all. */
  readonly domain: string | null
  readonly source: string | null
  /** Only keys that have signed since then or longer. */
  readonly before: number
  readonly limit: number
  readonly dryRun: boolean
}

/** Has a successor made for each of these keys. The key signs until the record of the other was seen. */
export function rotateKeys(store: Store, order: RotationOrder, by: Author): Promise<readonly Rotation[]> {
  return store.transaction().execute(async (tx) => {
    const change = lazily(tx, by)
    const rotations: Rotation[] = []
    for (const key of await readSigning(tx, order)) {
      const bits = await neededBits(tx, key)
      const successors = await readLine(tx, key, ['pending', 'published'])
      const waits = successors.some((one) => one.generation > key.generation) || (await readWantedLine(tx, key))
      const outcome = bits === null ? 'not-needed' : waits ? 'under-way' : 'asked'
      if (outcome === 'asked' && bits !== null && !order.dryRun)
        await noteRotation(tx, key, bits, await change.version())
      rotations.push({ key: listingOf(key), outcome })
    }
    return rotations
  })
}

/** `unknown`: the customer does not grant this domain to this source. `taken`: another key has that name. */
export type Imported = 'imported' | 'unknown' | 'taken'

/** Stores a key that was made elsewhere. Those of ours for the same that never signed are given up, and none is wanted any more. */
export function importKey(store: Store, key: MadeKey, by: Author): Promise<Imported> {
  return store.transaction().execute(async (tx) => {
    if ((await neededBits(tx, key)) === null) return 'unknown'
    if (!(await addKey(tx, key, by.at))) return 'taken'
    await dropWanted(tx, key)
    const stored = await readKey(tx, key.selector, key.domain)
    if (stored === null) throw new Error('a key just stored is not there')
    for (const older of await readLine(tx, key, ['pending', 'published'])) {
      if (older.generation < stored.generation) await end(tx, older, 'superseded', null, by.at)
    }
    // The change is told even though no right begins before the record is seen.
    await nextVersion(tx, by)
    return 'imported'
  })
}

async function changeEach(
  store: Store,
  names: readonly KeyName[],
  change: (tx: StoreTransaction, key: KeyRow) => Promise<void>,
): Promise<void> {
  if (names.length === 0) return
  await store.transaction().execute(async (tx) => {
    for (const { selector, domain } of names) {
      const key = await readKey(tx, selector, domain)
      if (key !== null) await change(tx, key)
    }
  })
}

function lazily(tx: StoreTransaction, by: Author): Lazily {
  let version: number | null = null
  return {
    version: async () => (version ??= await nextVersion(tx, by)),
    made: () => version,
  }
}
