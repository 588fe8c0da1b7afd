import type { Kysely } from 'kysely'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import { SuppressionBook, openSuppressions } from '../../rooms/registry/index.ts'
import { repeat } from '../waiting.ts'

/** How often changes are looked for, in milliseconds: they are live within a second, and this is one probe of an index. */
const pollMs = 250

/** The suppression lists in this relay's memory, kept new. While the store can't be read the lists stay as they were. */
export async function watchSuppressions(
  store: Kysely<unknown>,
  clock: Clock,
  log: Log,
): Promise<{ readonly book: SuppressionBook; stop(): Promise<void> }> {
  const lists = openSuppressions(store, clock)
  const book = new SuppressionBook()
  const follow = (): Promise<void> => book.follow((change, limit) => lists.changesAfter(change, limit))
  await follow()
  const watching = repeat(pollMs, follow, (error) => log.error('the suppression lists could not be read', { error }))
  return { book, stop: () => watching.stop() }
}
