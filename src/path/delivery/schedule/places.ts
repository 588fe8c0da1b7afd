/**
 * How a site has been of late. `good`: it took our mail. `new`: nothing is known. `poor`: it could not be reached, or is so slow that what is
 * in hand for it stays there.
 */
export type SiteCondition = 'good' | 'new' | 'poor'

/** `fresh` comes from acceptance, or was in hand before; `queue` is read back from custody. */
export type Origin = 'fresh' | 'queue'

/** A message in hand. */
export type Place = {
  readonly site: string
  readonly origin: Origin
  /** By what it counts: a site that turns out to be slow takes what it holds along. */
  condition: SiteCondition
  readonly takenAt: number
}

/** The site of what goes to several sites at once, or is only settled: it counts among all, and at no site. */
export const everywhere = ''

/** Longer in hand than this many milliseconds is slow. */
export const slowAfter = 5_000

type Use = { inHand: number; window: number }

type Counts = { [condition in SiteCondition]: { [origin in Origin]: number } }

export type PlaceLimits = {
  /** In hand, all together. */
  readonly messages: number
  readonly connections: number
  /** Messages of a good site at the beginning; each that is quick makes room for one more. */
  readonly perSite: number
}

/**
 * Who may have how many of the places. A site that is not known to be good has one message in hand at a time, and all of these together no more
 * than four fifths of the connections, so that dead sites never take the rest; of these, what is read back from the queue may have less than
 * half, however long its dead sites keep it, so that a fresh message for a site that was never met finds a place at once.
 */
export class Places {
  readonly #limits: PlaceLimits
  readonly #conditionOf: (site: string) => SiteCondition
  readonly #now: () => number
  readonly #sites = new Map<string, Use>()
  readonly #held = new Set<Place>()
  readonly #counts: Counts = { good: none(), new: none(), poor: none() }
  /** How many messages of the queue may be in hand at present. */
  queueAllowance: number

  constructor(limits: PlaceLimits, conditionOf: (site: string) => SiteCondition, now: () => number) {
    this.#limits = limits
    this.#conditionOf = conditionOf
    this.#now = now
    this.queueAllowance = limits.messages
  }

  get inHand(): number {
    return this.#held.size
  }

  /** In hand for sites that are not known to be good. */
  get unproven(): number {
    return sum(this.#counts.new) + sum(this.#counts.poor)
  }

  /** The most that may be in hand for sites that are not known to be good. */
  get unprovenLimit(): number {
    return share(this.#base(), 0.8)
  }

  inHandAt(site: string): number {
    return this.#sites.get(site)?.inHand ?? 0
  }

  /** How many more messages of that origin may be begun for a site at this moment. */
  roomFor(site: string, origin: Origin): number {
    const condition = site === everywhere ? 'good' : this.#conditionOf(site)
    return Math.max(
      0,
      Math.min(this.#roomOfAll(origin), this.#roomOfCondition(condition, origin), this.#roomAt(site, condition)),
    )
  }

  take(site: string, origin: Origin): Place {
    const condition = site === everywhere ? 'good' : this.#conditionOf(site)
    const place: Place = { site, origin, condition, takenAt: this.#now() }
    this.#held.add(place)
    this.#counts[condition][origin]++
    const use = this.#sites.get(site) ?? { inHand: 0, window: this.#limits.perSite }
    use.inHand++
    this.#sites.set(site, use)
    return place
  }

  giveBack(place: Place): void {
    if (!this.#held.delete(place)) return
    this.#counts[place.condition][place.origin]--
    const use = this.#sites.get(place.site)
    if (use === undefined) return
    use.inHand--
    if (use.inHand === 0) this.#sites.delete(place.site)
    else if (this.#now() - place.takenAt < slowAfter / 5) use.window++
  }

  /** Sites of which something has been in hand for too long since the last look. What they hold counts as held by a poor site from now on. */
  findSlow(): readonly string[] {
    const found = new Set<string>()
    const before = this.#now() - slowAfter
    for (const place of this.#held) {
      // They stand in the order in which they were taken.
      if (place.takenAt > before) break
      if (place.condition !== 'poor' && place.site !== everywhere) found.add(place.site)
    }
    if (found.size === 0) return []
    for (const place of this.#held) if (found.has(place.site)) this.#move(place, 'poor')
    for (const site of found) {
      const use = this.#sites.get(site)
      if (use !== undefined) use.window = 1
    }
    return [...found]
  }

  #move(place: Place, condition: SiteCondition): void {
    this.#counts[place.condition][place.origin]--
    place.condition = condition
    this.#counts[condition][place.origin]++
  }

  #roomOfAll(origin: Origin): number {
    const { messages } = this.#limits
    const free = messages - this.#held.size
    if (origin === 'fresh') return free
    const queued = this.#counts.good.queue + this.#counts.new.queue + this.#counts.poor.queue
    return Math.min(free - Math.floor(messages / 8), this.queueAllowance - queued)
  }

  #roomOfCondition(condition: SiteCondition, origin: Origin): number {
    const { new: unknown, poor } = this.#counts
    const all = this.unprovenLimit - this.unproven
    const ofQueue = share(this.#base(), 0.3) - unknown.queue - poor.queue
    const unproven = origin === 'fresh' ? all : Math.min(all, ofQueue)
    switch (condition) {
      case 'good':
        return Infinity
      case 'new': {
        return Math.min(share(this.#base(), 0.5) - sum(unknown), unproven)
      }
      case 'poor':
        return Math.min(share(this.#base(), 0.2) - sum(poor), unproven)
      default:
        return condition satisfies never
    }
  }

  #roomAt(site: string, condition: SiteCondition): number {
    if (site === everywhere) return Infinity
    const use = this.#sites.get(site)
    const inHand = use?.inHand ?? 0
    if (condition !== 'good') return 1 - inHand
    return Math.min(use?.window ?? this.#limits.perSite, share(this.#limits.messages, 0.25)) - inHand
  }

  #base(): number {
    return Math.min(this.#limits.connections, this.#limits.messages)
  }
}

function none(): { [origin in Origin]: number } {
  return { fresh: 0, queue: 0 }
}

function sum(counts: { readonly [origin in Origin]: number }): number {
  return counts.fresh + counts.queue
}

function share(of: number, part: number): number {
  return Math.max(1, Math.floor(of * part))
}
