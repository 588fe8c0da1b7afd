import type { LedgerEvent, StoredEvent } from '../../ledger/index.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'

/** The shard under which events of the registry stand in the ledger: the highest that a decision id can name, so no relay has it. */
export const registryShard = 1023

/** Writes down what happened, for the ledger to take, in the transaction that made it happen. */
export async function recordEvents(tx: StoreTransaction, events: readonly LedgerEvent[]): Promise<void> {
  if (events.length === 0) return
  const last = await tx
    .selectFrom('registry_event')
    .select('sequence')
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const rows = events.map(({ at, kind, id, customer, detail }, index) => ({
    sequence: (last?.sequence ?? 0) + 1 + index,
    at,
    kind,
    id,
    customer,
    detail: JSON.stringify(detail),
  }))
  for (const row of rows) await tx.insertInto('registry_event').values(row).execute()
}

/** Events that the ledger has not taken, from the one after `sequence` on, in order. */
export async function readEventsAfter(store: Store, sequence: number, limit: number): Promise<readonly StoredEvent[]> {
  const rows = await store
    .selectFrom('registry_event')
    .selectAll()
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(eventOf)
}

/** Those about one thing. */
export async function readEventsOf(store: Store, id: string): Promise<readonly StoredEvent[]> {
  const rows = await store.selectFrom('registry_event').selectAll().where('id', '=', id).orderBy('sequence').execute()
  return rows.map(eventOf)
}

/** Drops what the ledger has, up to and without `sequence`. */
export async function dropEventsBefore(store: Store, sequence: number): Promise<void> {
  await store.deleteFrom('registry_event').where('sequence', '<', sequence).execute()
}

function eventOf(row: RegistryTables['registry_event']): StoredEvent {
  return {
    shard: registryShard,
    sequence: row.sequence,
    at: row.at,
    kind: row.kind as StoredEvent['kind'],
    id: row.id,
    customer: row.customer,
    source: null,
    detail: JSON.parse(row.detail) as StoredEvent['detail'],
  }
}
