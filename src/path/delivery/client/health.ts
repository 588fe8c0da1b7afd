type Record = { misses: number; downUntil: number; because: string }

/** This many attempts in a row that reached no server at all take a destination for down. */
const missesToDown = 3

/** More destinations than this are not remembered; the oldest is forgotten. */
const maxRemembered = 10_000

/**
 * Which destinations could not be reached of late. While one is down its mail waits for its retry clock without another
 * connection, so that a dead server does not take the places of those that are alive.
 */
export class DestinationHealth {
  readonly #now: () => number
  readonly #pause: number
  readonly #records = new Map<string, Record>()

  /** @param pause for how many milliseconds a destination is left alone. */
  constructor(now: () => number, pause: number) {
    this.#now = now
    this.#pause = pause
  }

  /** Why not to try now, or null. */
  downBecause(key: string): string | null {
    const record = this.#records.get(key)
    return record !== undefined && record.downUntil > this.#now() ? record.because : null
  }

  reached(key: string): void {
    this.#records.delete(key)
  }

  missed(key: string, because: string): void {
    const record = this.#records.get(key) ?? { misses: 0, downUntil: 0, because }
    record.misses++
    record.because = because
    if (record.misses >= missesToDown) record.downUntil = this.#now() + this.#pause
    this.#records.delete(key)
    this.#records.set(key, record)
    const [oldest] = this.#records.keys()
    if (this.#records.size > maxRemembered && oldest !== undefined) this.#records.delete(oldest)
  }
}
