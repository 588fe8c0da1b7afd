import type { Dns } from '../../platform/dns.ts'
import type { AliasDns } from '../../platform/dns-alias.ts'
import type { Log } from '../../platform/log.ts'
import {
  type KeyCheck,
  type KeyListing,
  type Registry,
  type Rotation,
  type WantedKey,
  checkKey,
  recordDue,
} from '../../rooms/registry/index.ts'
import { generateKeys } from '../../signer/index.ts'

/** Keys made in one run of the signer: enough to be quick, few enough that somebody may wait for them. */
const keysInOneRun = 50
/** How long a start or an apply waits for the keys that it needs, in milliseconds; the rest are made behind its back. */
export const keysWithinMs = 20_000
/** Records looked up at once, and due ones taken at a time: a resolver must not take us for a flood. */
const lookUpsAtOnce = 20
const dueAtOnce = 100
/** Keys that one rotation takes at most; the next takes more. */
const rotationsAtOnce = 10_000

/** What was found of a key. `fine`: what stands in DNS is what must stand there. */
export type CheckedKey = KeyListing & KeyCheck & { readonly fine: boolean }

export type KeyKeeper = {
  /**
   * Makes keys that grants need and nobody has made, those of the latest change of policy first, and no more of them than one can wait
   * for. One probe of an index when there are none.
   */
  makeFirst(): Promise<void>
  /** Makes some of those that are left, with no claim to the processors while others have work: a large policy takes hours. */
  makeRest(): Promise<void>
  /** Looks the record of every key up, past caches, except of those that are gone for good; each key goes on to the state that follows. */
  checkAll(): Promise<readonly CheckedKey[]>
  /** The same for these. */
  check(keys: readonly KeyListing[]): Promise<readonly CheckedKey[]>
  /** The same for some of those that are due by their own clock. */
  checkDue(now: number): Promise<void>
  /** Has successors made; `before`: of keys that have signed since then or longer. */
  rotate(order: RotationOrder, by: string, reason: string): Promise<readonly Rotation[]>
  /** Has successors made for the keys that are old enough by the configuration. */
  rotateAged(now: number): Promise<void>
  /** Gives up what is being made. */
  stop(): void
}

export type RotationOrder = {
  readonly domain: string | null
  readonly source: string | null
  readonly before: number
  readonly dryRun: boolean
}

export type KeyKeeperOptions = {
  readonly registry: Registry
  readonly wrapping: string
  /** `delivery.retry.giveUpAfter`, in milliseconds: for so long mail that is signed may be on its way. */
  readonly giveUpAfter: number
  /** `keys.rotateAfter`, in milliseconds. */
  readonly rotateAfter: number | null
  readonly dns: Dns
  readonly dnsAt: (address: string) => AliasDns
  readonly log: Log
}

/** Takes care of keys from the first grant until their records are gone. Private halves never come here in clear: the signer makes and wraps them. */
export function openKeyKeeper(options: KeyKeeperOptions): KeyKeeper {
  const { registry, rotateAfter } = options
  const stopped = new AbortController()
  const { makeNext } = maker(options, stopped.signal)
  const check = (keys: readonly KeyListing[]): Promise<readonly CheckedKey[]> => lookAll(options, keys)
  const rotate: KeyKeeper['rotate'] = (order, by, reason) =>
    registry.rotateKeys({ ...order, limit: rotationsAtOnce }, by, reason)
  return {
    makeFirst: () => makeNext(keysInOneRun, false),
    makeRest: () => makeNext(keysInOneRun, true),
    check,
    checkAll: async () => check((await registry.keys()).filter((key) => key.goneAt === null)),
    checkDue: (now) => checkDue(options, now),
    rotate,
    rotateAged: async (now) => {
      if (rotateAfter === null) return
      const order = { domain: null, source: null, before: now - rotateAfter, dryRun: false }
      await rotate(order, 'schedule', 'keys.rotateAfter is over')
    },
    stop: () => stopped.abort(),
  }
}

function maker({ registry, wrapping, log }: KeyKeeperOptions, signal: AbortSignal) {
  /** What runs under way make: another beside them must not make it again. */
  const inHand = new Map<string, Promise<void>>()

  const make = async (keys: readonly WantedKey[], patient: boolean): Promise<void> => {
    try {
      const made = await generateKeys(wrapping, keys, { patient, signal })
      if (made.length > 0) await registry.addKeys(made)
      for (const { domain, selector, algorithm } of made) log.info('key made', { domain, selector, algorithm })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      for (const key of keys) inHand.delete(nameOf(key))
    }
  }

  /** Resolves when all of the next `most` keys are made, by this run or by one that had begun with them. */
  const makeNext = async (most: number, patient: boolean): Promise<void> => {
    const wanted = (await registry.keysWanted(most + inHand.size)).map((key) => ({ key, run: inHand.get(nameOf(key)) }))
    const mine = wanted.flatMap(({ key, run }) => (run === undefined ? [key] : [])).slice(0, most)
    const others = new Set(wanted.slice(0, most).flatMap(({ run }) => run ?? []))
    const own = make(mine, patient)
    for (const key of mine) inHand.set(nameOf(key), own)
    await Promise.all([own, ...others])
  }
  return { makeNext }
}

async function lookAll(options: KeyKeeperOptions, keys: readonly KeyListing[]): Promise<readonly CheckedKey[]> {
  const { dns, dnsAt } = options
  const looked: CheckedKey[] = []
  for (let from = 0; from < keys.length; from += lookUpsAtOnce) {
    const some = keys.slice(from, from + lookUpsAtOnce)
    const answers = await Promise.all(some.map(async (key) => ({ ...key, ...(await checkKey(dns, dnsAt, key)) })))
    const states = await goOn(options, answers)
    looked.push(
      ...answers.map((key) => ({
        ...key,
        state: states.get(nameOf(key)) ?? key.state,
        fine: recordDue(key.state) === 'key' ? key.seen : key.gone,
      })),
    )
  }
  return looked
}

/** Moves each key by what was seen of it; answers the states of those that may have moved. */
async function goOn(
  { registry, log }: KeyKeeperOptions,
  answers: readonly (KeyListing & KeyCheck)[],
): Promise<ReadonlyMap<string, KeyListing['state']>> {
  const waiting = answers.filter((key) => key.state === 'pending' || key.state === 'published')
  const come = waiting.filter((key) => key.seen)
  const hidden = waiting.filter((key) => key.gone && key.state === 'published')
  const gone = answers.filter((key) => key.gone && recordDue(key.state) !== 'key')
  if (come.length > 0) await registry.markKeysActive(come)
  await registry.markKeysHidden(hidden)
  await registry.markKeysGone(gone)
  for (const { domain, selector } of gone) log.info('the record of a key is gone', { domain, selector })
  const moved = await Promise.all([...come, ...hidden].map((key) => registry.keyAt(key)))
  const states = new Map<string, KeyListing['state']>()
  for (const [at, key] of [...come, ...hidden].entries()) {
    const state = moved[at]?.state ?? key.state
    states.set(nameOf(key), state)
    if (state !== key.state)
      log.info(`key ${state}`, { domain: key.domain, selector: key.selector, because: key.because })
  }
  return states
}

async function checkDue(options: KeyKeeperOptions, now: number): Promise<void> {
  const { registry, giveUpAfter } = options
  const due = await registry.keysToLookFor(now, dueAtOnce)
  if (due.length === 0) return
  const aging = due.filter((key) => key.state === 'retiring')
  const looking = due.filter((key) => key.state !== 'retiring')
  await registry.markKeysAged(aging, giveUpAfter)
  await registry.lookForKeysAgain(looking.map((key) => ({ ...key, at: now + waitFor(key, now) })))
  await lookAll(options, looking)
}

/**
 * How long a key waits for its next look: soon while somebody is likely at work on it, hourly after a day. That a record is gone is in no
 * hurry after that.
 */
function waitFor({ state, since, createdAt }: KeyListing, now: number): number {
  const leaving = state === 'retired' || state === 'revoked'
  const age = now - (leaving ? since : createdAt)
  return Math.min(leaving ? 86_400_000 : 3_600_000, Math.max(5_000, age / 20))
}

function nameOf({ selector, domain }: Pick<WantedKey, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`
}
