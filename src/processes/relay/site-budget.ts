import type { Budget } from '../../path/delivery/index.ts'
import type { LeaseBook } from '../../rooms/watch/index.ts'

const keyPrefix = 'site/'

type OpenAt = (passage: string) => number

/** What one shard may have of them. */
export type ShardBudget = Budget & {
  readCounts(openAt: OpenAt): void
  /** The shard is closed. */
  leave(): void
}

/** The limits of receivers, shared by all relays and, within this one, by the shards that it delivers. */
export class SiteBudget {
  readonly #relays: number
  readonly #shards = new Set<{ openAt: OpenAt }>()
  #book: LeaseBook | null = null

  constructor(relays: number) {
    this.#relays = relays
  }

  /** By which book the relays share. */
  shareBy(book: LeaseBook): void {
    this.#book = book
  }

  /** The part of one shard; `openAt` tells how many connections it has. */
  forShard(): ShardBudget {
    const shard: { openAt: OpenAt } = { openAt: () => 0 }
    this.#shards.add(shard)
    return {
      allowance: (key, limit) => this.#allowance(key, limit, shard),
      readCounts: (openAt) => {
        shard.openAt = openAt
      },
      leave: () => void this.#shards.delete(shard),
    }
  }

  /** What is open under the key of a limit in the book; null where it is none of ours. */
  usedOf(key: string): readonly number[] | null {
    return key.startsWith(keyPrefix) ? [this.#openAt(key.slice(keyPrefix.length))] : null
  }

  #allowance(passage: string, limit: number, shard: { readonly openAt: OpenAt }): number {
    // A rate may be divided into any parts; connections may not.
    if (passage.endsWith('|rate')) return limit / (this.#relays * this.#shards.size)
    const ours = this.#book?.allowance(`${keyPrefix}${passage}`, limit) ?? 0
    return Math.max(0, ours - (this.#openAt(passage) - shard.openAt(passage)))
  }

  #openAt(passage: string): number {
    let open = 0
    for (const shard of this.#shards) open += shard.openAt(passage)
    return open
  }
}
