/** Gives a place back; calling it again does nothing. */
export type Leave = () => void

type Waiter = { readonly enter: (leave: Leave) => void; readonly evict: () => void }

/** Thrown into those who wait when the queue that they wait in is cleared. */
export class Evicted extends Error {
  constructor() {
    super('the wait for a connection was ended so that other destinations get their turn')
    this.name = 'Evicted'
  }
}

/** What one key may have at a time. It may change while connections are open; those that are above it then are let finish. */
export type Limit = { readonly connections: number }

/**
 * Bounds how many connections are open to one destination and to all together. Who comes first is served first within a
 * destination, and a destination that is full holds up no other.
 */
export class Limiter {
  readonly #limitOf: (key: string) => Limit
  readonly #total: number
  readonly #open = new Map<string, number>()
  readonly #waiting = new Map<string, Waiter[]>()
  /** Destinations for which nobody may wait at present. */
  readonly #crowded = new Set<string>()
  #all = 0

  constructor(limitOf: (key: string) => Limit, total: number) {
    this.#limitOf = limitOf
    this.#total = total
  }

  /** Waits for a place. Throws `Evicted` when the queue is cleared meanwhile, or when nobody may wait there at present. */
  enter(key: string): Promise<Leave> {
    if (this.#hasRoom(key)) return Promise.resolve(this.#take(key))
    if (this.#crowded.has(key)) return Promise.reject(new Evicted())
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(key) ?? []
      queue.push({ enter: resolve, evict: () => reject(new Evicted()) })
      this.#waiting.set(key, queue)
    })
  }

  /** How many have a place there. */
  openAt(key: string): number {
    return this.#open.get(key) ?? 0
  }

  /** Lets in whom a limit that has grown leaves room for. */
  reconsider(): void {
    const waiting = Array.from(this.#waiting.keys())
    for (const key of waiting) while (this.#admit(key));
  }

  get waiting(): number {
    let count = 0
    for (const queue of this.#waiting.values()) count += queue.length
    return count
  }

  /** Sends away all who wait for the destination with the longest queue, and all who come to wait there until `welcomeAll`. */
  evictLongest(): void {
    let longest: string | null = null
    for (const [key, queue] of this.#waiting) {
      if (longest === null || queue.length > (this.#waiting.get(longest)?.length ?? 0)) longest = key
    }
    if (longest === null) return
    this.#crowded.add(longest)
    this.#evict(longest)
  }

  welcomeAll(): void {
    this.#crowded.clear()
  }

  evictAll(): void {
    for (const key of this.#waiting.keys()) this.#evict(key)
  }

  #evict(key: string): void {
    const queue = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const waiter of queue) waiter.evict()
  }

  #hasRoom(key: string): boolean {
    return this.#all < this.#total && (this.#open.get(key) ?? 0) < this.#limitOf(key).connections
  }

  #take(key: string): Leave {
    this.#all++
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave(key)
    }
  }

  #leave(key: string): void {
    this.#all--
    const rest = (this.#open.get(key) ?? 1) - 1
    if (rest === 0) this.#open.delete(key)
    else this.#open.set(key, rest)
    if (this.#admit(key)) return
    // The place may have been one of all, which another destination waits for.
    for (const other of this.#waiting.keys()) if (this.#admit(other)) return
  }

  #admit(key: string): boolean {
    const queue = this.#waiting.get(key)
    if (queue === undefined || !this.#hasRoom(key)) return false
    const next = queue.shift()
    // Moving the key to the end of the map lets destinations take turns for the places of all.
    this.#waiting.delete(key)
    if (queue.length > 0) this.#waiting.set(key, queue)
    next?.enter(this.#take(key))
    return next !== undefined
  }
}
