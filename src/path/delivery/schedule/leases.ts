import { setTimeout as sleep } from 'node:timers/promises'
import type { DecisionId } from '../../decision/decision.ts'

type Lease = {
  /** Gives the message up while nobody works on it yet; null while somebody does. */
  yieldNow: (() => void) | null
  readonly over: Promise<void>
  readonly end: () => void
}

/** A message that somebody works on and that was not free in time. */
export class InTheAir extends Error {
  constructor() {
    super('it is on its way at this moment')
    this.name = 'InTheAir'
  }
}

/**
 * Which messages are in somebody's hands: a carrier's or an operator's. They live in memory alone and are void when the process is gone;
 * whoever has none may not touch a message.
 */
export class Leases {
  readonly #held = new Map<DecisionId, Lease>()
  readonly #ids = new Set<DecisionId>()

  get ids(): ReadonlySet<DecisionId> {
    return this.#ids
  }

  /** Takes the message unless it is taken. `yieldNow` is called when somebody more urgent asks before work on it began. */
  take(id: DecisionId, yieldNow: (() => void) | null): boolean {
    if (this.#held.has(id)) return false
    let end: () => void = () => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#held.set(id, { yieldNow, over, end })
    this.#ids.add(id)
    return true
  }

  /** Says whether work on it goes on (null) or it only waits in somebody's hands. */
  mark(id: DecisionId, yieldNow: (() => void) | null): void {
    const lease = this.#held.get(id)
    if (lease !== undefined) lease.yieldNow = yieldNow
  }

  release(id: DecisionId): void {
    const lease = this.#held.get(id)
    this.#held.delete(id)
    this.#ids.delete(id)
    lease?.end()
  }

  /** Waits for the message, at most so many milliseconds, has `work` done on it alone, and gives it back. Rejects with `InTheAir`. */
  async during<T>(id: DecisionId, work: () => Promise<T>, patience: number): Promise<T> {
    const deadline = performance.now() + patience
    while (!this.take(id, null)) {
      const lease = this.#held.get(id)
      if (lease?.yieldNow) lease.yieldNow()
      else if (lease !== undefined && !(await overWithin(lease, deadline - performance.now()))) throw new InTheAir()
    }
    try {
      return await work()
    } finally {
      this.release(id)
    }
  }
}

async function overWithin(lease: Lease, milliseconds: number): Promise<boolean> {
  if (milliseconds <= 0) return false
  const stop = new AbortController()
  const late = sleep(milliseconds, false, { signal: stop.signal, ref: false }).catch(() => false)
  const over = await Promise.race([lease.over.then(() => true), late])
  stop.abort()
  return over
}
