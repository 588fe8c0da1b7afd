import type { DnsTrouble, RecordType } from '../standards/dns/inquiry.ts'
import type { Clock } from './clock.ts'
import type { DnsClient, TimedAnswer } from './dns-client.ts'
import type { DnsAnswer, Resolver } from './dns.ts'

export type CacheLimits = {
  readonly maxEntries: number
  /** Octets of names and records together, about. */
  readonly maxOctets: number
}

const defaultLimits: CacheLimits = { maxEntries: 50_000, maxOctets: 32 * 1024 * 1024 }

/** Longer promises are not believed: a day for what is there, three hours for what is not (RFC 2308 §5). */
const longestMs = { there: 86_400_000, absent: 10_800_000 } as const

type Entry = { readonly answer: DnsAnswer; readonly expiresAt: number; readonly octets: number }

/**
 * A resolver that keeps answers for as long as they say. An absence is kept only when an SOA record came with it, and trouble never
 * is, so that it ends the moment it is over. Who asks what is being asked already waits for the same answer. What was used least
 * recently goes when the limits are reached.
 */
export function cachedResolver(client: DnsClient, clock: Clock, limits: CacheLimits = defaultLimits): Resolver {
  const store = new AnswerStore(limits)
  const underWay = new Map<string, Promise<DnsAnswer | DnsTrouble>>()
  const now = () => clock.steady?.() ?? clock.now()
  const fetchOnce = async (type: RecordType, name: string, key: string): Promise<DnsAnswer | DnsTrouble> => {
    try {
      const fetched = await client.fetch(type, name)
      if ('trouble' in fetched) return fetched
      store.keep(key, fetched, now())
      return fetched.answer
    } finally {
      underWay.delete(key)
    }
  }
  return {
    ask: <Type extends RecordType>(type: Type, name: string) => {
      const key = `${type} ${name.toLowerCase()}`
      const kept = store.find(key, now())
      // The key holds the type, so what is kept under it is of that type.
      if (kept !== null) return Promise.resolve(kept as DnsAnswer<Type>)
      const asked = underWay.get(key) ?? fetchOnce(type, name, key)
      underWay.set(key, asked)
      return asked as Promise<DnsAnswer<Type> | DnsTrouble>
    },
  }
}

/** Answers in the order in which they were last used. */
class AnswerStore {
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, Entry>()
  #octets = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  find(key: string, now: number): DnsAnswer | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    this.#drop(key, entry)
    if (entry.expiresAt <= now) return null
    this.#add(key, entry)
    return entry.answer
  }

  keep(key: string, { answer, secondsToLive }: TimedAnswer, now: number): void {
    const longest = answer.records.length > 0 ? longestMs.there : longestMs.absent
    const heldMs = Math.min((secondsToLive ?? 0) * 1000, longest)
    const octets = sizeOf(key, answer)
    const old = this.#entries.get(key)
    if (old !== undefined) this.#drop(key, old)
    if (heldMs <= 0 || octets > this.#limits.maxOctets) return
    this.#add(key, { answer, expiresAt: now + heldMs, octets })
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#octets <= this.#limits.maxOctets) return
      this.#drop(oldest, entry)
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#octets += entry.octets
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#octets -= entry.octets
  }
}

/** What an entry costs besides its text, about. */
const overhead = 200

function sizeOf(key: string, answer: DnsAnswer): number {
  let octets = overhead + key.length
  for (const record of answer.records) octets += 16 + textOf(record).length
  return octets
}

function textOf(record: DnsAnswer['records'][number]): string {
  if (typeof record === 'string') return record
  return 'exchange' in record ? record.exchange : record.data
}
