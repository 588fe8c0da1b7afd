import { Pace } from './pace.ts'
import type { Terms } from './profiles.ts'
import type { SiteKey } from './site.ts'

/** Where mail goes, as limits and lessons see it. */
export type ShapedSite = {
  /** The servers. */
  readonly servers: SiteKey
  /** What limits and actions are kept by: the servers, or the profile that takes many sites as one. */
  readonly key: string
  readonly terms: Terms
}

/** Milliseconds over which the messages of a passage are counted. */
const countedFor = 60_000

/** The way from one of our addresses (null: the one that the system chooses) to one site, and what is remembered of it. */
export class Passage {
  readonly key: string
  readonly site: ShapedSite
  readonly address: string | null
  readonly pace = new Pace()
  #minute = 0
  #inMinute = 0
  #inLast = 0

  constructor(key: string, site: ShapedSite, address: string | null) {
    this.key = key
    this.site = site
    this.address = address
  }

  count(now: number): void {
    this.#turn(now)
    this.#inMinute++
  }

  /** Messages a minute, of this minute or the one before, whichever had more. */
  perMinute(now: number): number {
    this.#turn(now)
    return Math.max(this.#inMinute, this.#inLast)
  }

  isIdle(now: number): boolean {
    return this.pace.isIdle(now) && this.perMinute(now) === 0
  }

  #turn(now: number): void {
    const minute = Math.floor(now / countedFor)
    if (minute === this.#minute) return
    this.#inLast = minute === this.#minute + 1 ? this.#inMinute : 0
    this.#inMinute = 0
    this.#minute = minute
  }
}

export function passageKey({ key, terms }: ShapedSite, address: string | null): string {
  // Domains with numbers of their own at shared servers have connections of their own there.
  const rules = terms.profiles.length > 1 ? terms.profiles.map((one) => one.name).join(' ') : ''
  return `${key}|${address ?? ''}|${rules}`
}
