import { newTo } from '../../../platform/sql-progress.ts'
import type { StoredEvent } from '../../ledger/index.ts'
import { type Failure, failuresOf } from './failures.ts'
import { putOnList } from './store.ts'
import type { Suppression } from './suppression.ts'
import type { SuppressionDb, SuppressionTransaction } from './tables.ts'
import { type Threshold, hardBounces } from './thresholds.ts'

const author = 'ledger'

/** Takes what the ledger learned into the lists: each event once, however often it is handed over. On disk when it resolves. */
export async function takeEvents(db: SuppressionDb, events: readonly StoredEvent[], now: number): Promise<void> {
  const telling = events.filter((event) => failuresOf(event).length > 0)
  if (telling.length === 0) return
  await db.transaction().execute(async (tx) => {
    const fresh = await newTo(tx, 'suppression_progress', telling)
    const entries: Suppression[] = []
    for (const failure of fresh.flatMap(failuresOf)) {
      const entry = await entryFor(tx, failure)
      if (entry !== null) entries.push(entry)
    }
    for (const [, own] of Map.groupBy(entries, (one) => one.customer)) await putOnList(tx, own, { now, dryRun: false })
  })
}

/** What a failure puts on the list; null while it takes more of them. */
async function entryFor(tx: SuppressionTransaction, failure: Failure): Promise<Suppression | null> {
  const { customer, address, at, event, words } = failure
  const entry = { customer, address, since: at, event, author }
  if (failure.kind === 'complaint') {
    return { ...entry, reason: 'complaint', until: null, note: words === '' ? 'complained about a message' : words }
  }
  const threshold = hardBounces[failure.class]
  if (threshold === undefined) return null
  const strikes = threshold.strikes <= 1 ? 1 : await strike(tx, failure, threshold)
  if (strikes < threshold.strikes) return null
  const until = threshold.lasts === null ? null : at + threshold.lasts
  const note = `${failure.class}${strikes > 1 ? `, ${strikes} times` : ''}: ${words}`
  return { ...entry, reason: 'hard-bounce', until, note }
}

/** Counts a failure beside those before it, and answers how many they are. */
async function strike(tx: SuppressionTransaction, failure: Failure, threshold: Threshold): Promise<number> {
  const { customer, address, class: failureClass, at } = failure
  const before = await tx
    .selectFrom('suppression_strike')
    .selectAll()
    .where('customer', '=', customer)
    .where('address', '=', address)
    .where('class', '=', failureClass)
    .executeTakeFirst()
  const goesOn = before !== undefined && at - before.last_at <= threshold.within
  if (goesOn && at - before.last_at < threshold.apart) return before.strikes
  const strikes = goesOn ? before.strikes + 1 : 1
  const row = { strikes, first_at: goesOn ? before.first_at : at, last_at: at }
  await tx
    .insertInto('suppression_strike')
    .values({ customer, address, class: failureClass, ...row })
    .onConflict((conflict) => conflict.columns(['customer', 'address', 'class']).doUpdateSet(row))
    .execute()
  return strikes
}
