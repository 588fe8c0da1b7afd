import type { Dns } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import { type KeyCheck, type KeyListing, type Registry, checkKey } from '../../rooms/registry/index.ts'
import { generateKeys } from '../../signer/index.ts'

/** Keys made in one run of the signer: enough to be quick, few enough that none waits long for the others. */
const batch = 50
/** How long a start or an apply waits for the keys that it needs, in milliseconds; the rest are made behind its back. */
export const keysWithinMs = 20_000
/** Records looked up at once: a resolver must not take us for a flood. */
const lookUpsAtOnce = 20

export type KeyKeeper = {
  /** Makes the keys that grants need and nobody has made. Costs one probe when the policy is as it was. */
  makeWanted(): Promise<void>
  /** Looks every key's record up, past caches; a pending one whose record is there becomes active. */
  checkAll(): Promise<readonly (KeyListing & KeyCheck)[]>
  /** The same for the pending ones that are due by their own clock. */
  checkPending(now: number): Promise<void>
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
  const looked = new Map<string, number>()
  let making: Promise<void> = Promise.resolve()
  /** The policy version for which nothing is left to make, and the pending keys of then. */
  let settled: { readonly version: number; readonly pending: readonly KeyListing[] } | null = null

  const make = async (): Promise<void> => {
    const version = await registry.currentVersion()
    if (settled?.version === version) return
    let before = ''
    for (;;) {
      const wanted = (await registry.keysWanted()).slice(0, batch)
      // A key that is wanted again right after it was made would be made for ever.
      const names = wanted.map(({ domain, selector }) => `${selector} ${domain}`).join()
      if (names === before) break
      before = names
      const made = await generateKeys(wrapping, wanted)
      await registry.addKeys(made)
      for (const { domain, selector, algorithm } of made) log.info('key made', { domain, selector, algorithm })
    }
    settled = { version, pending: (await registry.keys()).filter((key) => key.state === 'pending') }
  }

  const look = async (key: KeyListing): Promise<KeyListing & KeyCheck> => {
    const answer = await checkKey(dns, dnsAt, key)
    if (!answer.seen || key.state !== 'pending') return { ...key, ...answer }
    await registry.markKeyActive(key.selector, key.domain)
    looked.delete(key.record.name)
    log.info('key active', { domain: key.domain, selector: key.selector, because: answer.because })
    return { ...key, ...answer, state: 'active' }
  }

  const lookAll = async (keys: readonly KeyListing[]): Promise<readonly (KeyListing & KeyCheck)[]> => {
    const seen: (KeyListing & KeyCheck)[] = []
    for (let from = 0; from < keys.length; from += lookUpsAtOnce)
      seen.push(...(await Promise.all(keys.slice(from, from + lookUpsAtOnce).map(look))))
    return seen
  }

  return {
    // One run at a time: two would make the same keys twice.
    makeWanted: () => {
      making = making.then(make, make)
      return making
    },
    checkAll: async () => lookAll((await registry.keys()).filter((key) => key.state !== 'retired')),
    checkPending: async (now) => {
      const due = (settled?.pending ?? []).filter(
        ({ record, createdAt }) => now >= (looked.get(record.name) ?? 0) + waitFor(now - createdAt),
      )
      for (const key of due) looked.set(key.record.name, now)
      await lookAll(due)
    },
  }
}
