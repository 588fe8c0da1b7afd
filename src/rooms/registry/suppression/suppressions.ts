import type { Kysely } from 'kysely'
import type { Clock } from '../../../platform/clock.ts'
import type { StoredEvent } from '../../ledger/index.ts'
import { takeEvents } from './follow.ts'
import { type Listed, forgetBefore, putOnList, readChangesAfter, readEntry, readList, takeOffList } from './store.ts'
import type { Suppression, SuppressionChange, SuppressionReason } from './suppression.ts'
import type { SuppressionDb } from './tables.ts'

/** Addresses that one transaction writes: others who write wait for no more. */
const atOnce = 5000

export type NewSuppression = Pick<Suppression, 'address' | 'reason' | 'note'> & {
  /** Milliseconds since the epoch; null: now. */
  readonly since: number | null
  readonly until: number | null
}

/**
 * The suppression lists of all customers. Addresses are as `readListedAddress` gives them. Every promise rejects when the store fails, and a
 * long request may then be done in part: asking again does the rest.
 */
export interface Suppressions {
  add(request: {
    readonly customer: string
    readonly entries: readonly NewSuppression[]
    readonly author: string
    readonly dryRun: boolean
  }): Promise<Listed>
  /** How many of them were on the list. */
  remove(request: {
    readonly customer: string
    readonly addresses: readonly string[]
    readonly author: string
    readonly note: string
    readonly dryRun: boolean
  }): Promise<number>
  /** In the order of addresses, from the one after `after` on. */
  list(request: {
    readonly customer: string
    readonly after: string | null
    readonly limit: number
    readonly reason: SuppressionReason | null
  }): Promise<readonly Suppression[]>
  find(customer: string, address: string): Promise<Suppression | null>
  changesAfter(change: number, limit: number): Promise<readonly SuppressionChange[]>
  /** Fills the lists from what the ledger took. */
  take(this: void, events: readonly StoredEvent[]): Promise<void>
  forgetBefore(moment: number): Promise<void>
}

/** The store must have been brought up to date by `migrateRegistry`. */
export function openSuppressions<Tables>(store: Kysely<Tables>, clock: Clock): Suppressions {
  const db = store as unknown as SuppressionDb
  return {
    add: async ({ customer, entries, author, dryRun }) => {
      let listed = { added: 0, kept: 0 }
      for (let from = 0; from < entries.length; from += atOnce) {
        const now = clock.now()
        const part = entries
          .slice(from, from + atOnce)
          .map((one) => ({ ...one, customer, author, since: one.since ?? now, event: null }))
        const done = await db.transaction().execute((tx) => putOnList(tx, part, { now, dryRun }))
        listed = { added: listed.added + done.added, kept: listed.kept + done.kept }
      }
      return listed
    },
    remove: (request) => db.transaction().execute((tx) => takeOffList(tx, { ...request, now: clock.now() })),
    list: (request) => readList(db, { ...request, now: clock.now() }),
    find: (customer, address) => readEntry(db, { customer, address }, clock.now()),
    changesAfter: (change, limit) => readChangesAfter(db, change, limit),
    take: (events) => takeEvents(db, events, clock.now()),
    forgetBefore: (moment) => forgetBefore(db, moment),
  }
}
