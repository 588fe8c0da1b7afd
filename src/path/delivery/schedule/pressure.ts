/** How often the event loop is felt, in milliseconds. */
const every = 200

/** An event loop that comes later than this has more than it can do. */
const lateMs = 50

const least = 16
const step = 16

/**
 * How much of the queue may be in hand while this process has other things to do: less when the event loop is late, slowly more when it is
 * not. What is being accepted goes before what waits already, and a queue that comes due all at once is worked off without a stampede.
 */
export class Pressure {
  readonly #most: number
  #timer: NodeJS.Timeout | null = null
  #allowance: number

  constructor(most: number) {
    this.#most = most
    this.#allowance = Math.min(most, 8 * step)
  }

  get allowance(): number {
    return this.#allowance
  }

  /** Begins to feel; `tell` hears of each change. */
  start(tell: (allowance: number) => void): void {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.feel(now - last - every)
      last = now
      tell(this.#allowance)
    }, every)
    this.#timer.unref()
  }

  /** @param late by how many milliseconds the event loop came too late. */
  feel(late: number): void {
    const floor = Math.min(least, this.#most)
    this.#allowance =
      late > lateMs ? Math.max(floor, Math.floor(this.#allowance * 0.7)) : Math.min(this.#most, this.#allowance + step)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }
}
