import type { Passage } from '../shaping/passage.ts'
import { type Leave, Evicted } from './limiter.ts'
import type { Outbound } from './outbound.ts'

/** The place that an attempt has at one passage at a time. */
export class Doors {
  readonly #outbound: Outbound
  #inside: { readonly key: string; readonly leave: Leave } | null = null
  #entered = false

  constructor(outbound: Outbound) {
    this.#outbound = outbound
  }

  /** Waits for a place on the passage, and gives back that on any other. False when nobody may wait there at present. */
  async enter({ key }: Passage): Promise<boolean> {
    if (this.#inside?.key === key) return true
    this.leave()
    const leave = await this.#outbound.limiter.enter(key).catch((error: unknown) => {
      if (error instanceof Evicted) return null
      throw error
    })
    if (leave === null) return false
    this.#inside = { key, leave }
    if (!this.#entered) this.#outbound.metrics.attempts++
    this.#entered = true
    return true
  }

  leave(): void {
    this.#inside?.leave()
    this.#inside = null
  }
}
