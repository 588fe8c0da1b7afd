import type { Timeouts } from '../settings.ts'
import type { SiteCondition } from '../schedule/places.ts'

type Record = {
  condition: SiteCondition
  misses: number
  downUntil: number
  because: string
  /** When it was last heard of. */
  seenAt: number
}

/** More sites than this are not remembered; the one that was heard of longest ago is forgotten. */
const maxRemembered = 100_000

/** What was good so many milliseconds ago may be anything now. */
const goodFor = 3_600_000

export type HealthOptions = {
  readonly now: () => number
  /** For how many milliseconds a site is left alone after the first time that none of its servers was reached; doubled with each further one. */
  readonly pause: number
  readonly longestPause: number
  /** From 0 up to but not including 1. */
  readonly random: () => number
}

/**
 * How sites have been of late. One that could not be reached is left alone for a while and then asked with one message at a time, so that a
 * dead server does not take the places of those that are alive.
 */
export class DestinationHealth {
  readonly #options: HealthOptions
  readonly #records = new Map<string, Record>()
  readonly #siteOf = new Map<string, string>()
  /**
   * What a server that is not known to be good gets to let us in, to greet us and to answer a command, in milliseconds: less while many keep us
   * waiting.
   */
  patience = Infinity

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** A destination turned out to belong to a site: what is said or asked of either is of the site from now on. */
  join(destination: string, site: string): void {
    this.#siteOf.delete(destination)
    this.#siteOf.set(destination, site)
    const [oldest] = this.#siteOf.keys()
    if (this.#siteOf.size > maxRemembered && oldest !== undefined) this.#siteOf.delete(oldest)
  }

  /** The site of a destination as far as it is known, else the destination itself. */
  siteOf(destination: string): string {
    return this.#siteOf.get(destination) ?? destination
  }

  conditionOf(key: string): SiteCondition {
    const record = this.#recordOf(key)
    if (record === undefined) return 'new'
    return record.condition === 'good' && this.#options.now() - record.seenAt > goodFor ? 'new' : record.condition
  }

  /** Why not to try now, or null. */
  downBecause(key: string): string | null {
    return this.restOf(key) > 0 ? (this.#recordOf(key)?.because ?? null) : null
  }

  /** For how many milliseconds from now on it is left alone; 0 when it may be tried. */
  restOf(key: string): number {
    return Math.max(0, (this.#recordOf(key)?.downUntil ?? 0) - this.#options.now())
  }

  reached(key: string): void {
    this.#keep(key, { condition: 'good', misses: 0, downUntil: 0, because: '', seenAt: this.#options.now() })
  }

  /** None of its servers was reached. The first time after a success it may be tried once more at once. */
  missed(key: string, because: string): void {
    const { now, pause, longestPause, random } = this.#options
    const before = this.#recordOf(key)
    const seenAt = now()
    // What was under way when it was found down tells nothing new.
    if (before !== undefined && before.downUntil > seenAt) return
    const wasGood = before?.condition === 'good'
    const misses = wasGood ? 0 : (before?.misses ?? 0) + 1
    const wait = misses === 0 ? 0 : Math.min(longestPause, pause * 2 ** Math.min(20, misses - 1))
    const downUntil = seenAt + wait * (0.8 + 0.4 * random())
    this.#keep(key, { condition: 'poor', misses, downUntil, because, seenAt })
  }

  /** It keeps us waiting. */
  slow(key: string): void {
    const before = this.#recordOf(key)
    this.#keep(key, {
      condition: 'poor',
      misses: before?.misses ?? 0,
      downUntil: before?.downUntil ?? 0,
      because: before?.because ?? '',
      seenAt: this.#options.now(),
    })
  }

  /** It was down when somebody last looked, before this process began. */
  suspect(key: string): void {
    if (this.#recordOf(key) === undefined) this.slow(key)
  }

  /** How long its servers may take. */
  timeoutsFor(key: string, usual: Timeouts): Timeouts {
    if (this.patience === Infinity || this.conditionOf(key) === 'good') return usual
    const atMost = (one: number): number => Math.min(one, this.patience)
    const { connect, greeting, hello, mail, rcpt, data } = usual
    return {
      ...usual,
      connect: atMost(connect),
      greeting: atMost(greeting),
      hello: atMost(hello),
      mail: atMost(mail),
      rcpt: atMost(rcpt),
      data: atMost(data),
    }
  }

  #recordOf(key: string): Record | undefined {
    return this.#records.get(this.siteOf(key))
  }

  #keep(key: string, record: Record): void {
    const site = this.siteOf(key)
    this.#records.delete(site)
    this.#records.set(site, record)
    const [oldest] = this.#records.keys()
    if (this.#records.size > maxRemembered && oldest !== undefined) this.#records.delete(oldest)
  }
}
