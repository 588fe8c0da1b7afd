import type { Dns } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import { type KeyCheck, type KeyListing, type Registry, type WantedKey, checkKey } from '../../rooms/registry/index.ts'
import { generateKeys } from '../../signer/index.ts'

/** Keys made in one run of the signer: enough to be quick, few enough that somebody may wait for them. */
const keysInOneRun = 50
/** How long a start or an apply waits for the keys that it needs, in milliseconds; the rest are made behind its back. */
export const keysWithinMs = 20_000
/** Records looked up at once, and due ones taken at a time: a resolver must not take us for a flood. */
const lookUpsAtOnce = 20
const dueAtOnce = 100

export type KeyKeeper = {
  /**
   * Makes keys that grants need and nobody has made, those of the latest change of policy first, and no more of them than one can wait
   * for. One probe of an index when there are none.
   */
  makeFirst(): Promise<void>
  /** Makes some of those that are left, with no claim to the processors while others have work: a large policy takes hours. */
  makeRest(): Promise<void>
  /** Looks every key's record up, past caches; a pending one whose record is there becomes active. */
  checkAll(): Promise<readonly (KeyListing & KeyCheck)[]>
  /** The same for some of the pending ones that are due by their own clock. */
  checkPending(now: number): Promise<void>
  /** Gives up what is being made. */
  stop(): void
}

/** How long a pending key waits for its next look: soon while somebody is likely at work on it, hourly after a day. */
function waitFor(age: number): number {
  return Math.min(3_600_000, Math.max(5_000, age / 20))
}

/** Takes care of keys from the first grant to the first signature. Private halves never come here: the signer makes and wraps them. */
export function openKeyKeeper(options: {
  readonly registry: Registry
  readonly wrapping: string
  readonly dns: Dns
  readonly dnsAt: (address: string) => Dns
  readonly log: Log
}): KeyKeeper {
  const { registry, wrapping, dns, dnsAt, log } = options
  const stopped = new AbortController()
  /** What runs under way make: another beside them must not make it again. */
  const inHand = new Map<string, Promise<void>>()

  const make = async (keys: readonly WantedKey[], patient: boolean): Promise<void> => {
    try {
      const made = await generateKeys(wrapping, keys, { patient, signal: stopped.signal })
      if (made.length > 0) await registry.addKeys(made)
      for (const { domain, selector, algorithm } of made) log.info('key made', { domain, selector, algorithm })
    } catch (error) {
      if (!stopped.signal.aborted) throw error
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

  const lookAll = async (keys: readonly KeyListing[]): Promise<readonly (KeyListing & KeyCheck)[]> => {
    const looked: (KeyListing & KeyCheck)[] = []
    for (let from = 0; from < keys.length; from += lookUpsAtOnce) {
      const some = keys.slice(from, from + lookUpsAtOnce)
      const answers = await Promise.all(some.map(async (key) => ({ ...key, ...(await checkKey(dns, dnsAt, key)) })))
      const come = answers.filter((key) => key.seen && key.state === 'pending')
      await registry.markKeysActive(come)
      for (const { domain, selector, because } of come) log.info('key active', { domain, selector, because })
      looked.push(...answers.map((key) => (come.includes(key) ? { ...key, state: 'active' as const } : key)))
    }
    return looked
  }

  return {
    makeFirst: () => makeNext(keysInOneRun, false),
    makeRest: () => makeNext(keysInOneRun, true),
    checkAll: async () => lookAll((await registry.keys()).filter((key) => key.state !== 'retired')),
    checkPending: async (now) => {
      const due = await registry.keysToLookFor(now, dueAtOnce)
      if (due.length === 0) return
      await registry.lookForKeysAgain(due.map((key) => ({ ...key, at: now + waitFor(now - key.createdAt) })))
      await lookAll(due)
    },
    stop: () => stopped.abort(),
  }
}

function nameOf({ selector, domain }: Pick<WantedKey, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`
}
