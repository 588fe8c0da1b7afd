import type { Transaction } from 'kysely'

type Numbered = { readonly shard: number; readonly sequence: number }
type Progress = { shard: number; sequence: number }

/**
 * Those of these events that whoever keeps its progress in `progressTable` (columns `shard` and `sequence`, the first of them the key) has not met
 * before, by shard. From the end of the transaction on they are met: use them in it.
 */
export async function newTo<Tables, Event extends Numbered>(
  transaction: Transaction<Tables>,
  progressTable: keyof Tables & string,
  events: readonly Event[],
): Promise<readonly Event[]> {
  // Which of the tables it is does not matter to the builder, only what columns it has.
  const tx = transaction as unknown as Transaction<{ progress: Progress }>
  const table = progressTable as 'progress'
  const fresh: Event[] = []
  for (const [shard, own] of Map.groupBy(events, (event) => event.shard)) {
    const row = await tx.selectFrom(table).select('sequence').where('shard', '=', shard).executeTakeFirst()
    const met = row?.sequence ?? 0
    const later = own.filter((event) => event.sequence > met)
    const sequence = Math.max(met, ...later.map((event) => event.sequence))
    await tx
      .insertInto(table)
      .values({ shard, sequence })
      .onConflict((conflict) => conflict.column('shard').doUpdateSet({ sequence }))
      .execute()
    fresh.push(...later)
  }
  return fresh
}
