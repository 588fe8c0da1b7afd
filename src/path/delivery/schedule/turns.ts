/** More lanes than this are not kept waiting in turn; who is not remembered takes what it finds. */
const maxWaiting = 20_000

/**
 * Lanes of one site take turns: one that was passed by, since the site had its share, goes before one that was not. A lane that is not met
 * for two tours waits no more.
 */
export class Turns {
  /** The tour in which a lane was last passed by, by site. */
  readonly #waiting = new Map<string, Map<string, number>>()
  #count = 0
  #tour = 0

  /** Whether another lane of the site goes first. */
  mustYield(site: string, lane: string): boolean {
    const waiting = this.#waiting.get(site)
    return waiting !== undefined && waiting.size > 0 && !waiting.has(lane)
  }

  passedBy(site: string, lane: string): void {
    const waiting = this.#waiting.get(site) ?? new Map<string, number>()
    if (!waiting.has(lane)) {
      if (this.#count >= maxWaiting) return
      this.#count++
    }
    waiting.set(lane, this.#tour)
    this.#waiting.set(site, waiting)
  }

  /** It had its turn, or has nothing to send. */
  served(site: string, lane: string): void {
    const waiting = this.#waiting.get(site)
    if (waiting === undefined || !waiting.delete(lane)) return
    this.#count--
    if (waiting.size === 0) this.#waiting.delete(site)
  }

  endTour(): void {
    this.#tour++
    for (const [site, waiting] of this.#waiting)
      for (const [lane, tour] of waiting) if (tour < this.#tour - 1) this.served(site, lane)
  }
}
