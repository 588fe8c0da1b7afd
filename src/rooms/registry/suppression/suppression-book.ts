import type { Mailbox } from '../../../standards/names/mailbox.ts'
import { addressKey, listedAddress } from './address.ts'
import { AddressSet } from './address-set.ts'
import type { SuppressionChange } from './suppression.ts'

/** How many changes are read at once. */
const pageSize = 5000

/** Reads changes in their order, from the one after `change` on. */
export type ChangesAfter = (change: number, limit: number) => Promise<readonly SuppressionChange[]>

/** Everybody's list as the path asks it: in memory, some 30 octets an address. */
export class SuppressionBook {
  readonly #listed = new AddressSet()
  #change = 0

  get size(): number {
    return this.#listed.size
  }

  /** Takes up what changed since it was asked last; the first time, everything. */
  async follow(changesAfter: ChangesAfter): Promise<void> {
    for (;;) {
      const page = await changesAfter(this.#change, pageSize)
      for (const one of page) this.#take(one)
      if (page.length < pageSize) return
    }
  }

  isListed(customer: string, recipient: Mailbox, now: number): boolean {
    return this.#listed.size > 0 && this.#listed.has(addressKey(customer, listedAddress(recipient)), now)
  }

  #take(one: SuppressionChange): void {
    if (one.listed) this.#listed.set(one, one.until)
    else this.#listed.delete(one)
    this.#change = one.change
  }
}
