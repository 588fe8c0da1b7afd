import type { Kysely } from 'kysely'
import { type Migration, runMigrations } from '../platform/sql.ts'
import type { Ledger } from '../rooms/ledger/index.ts'

type ProgressTable = { ledger_progress: { shard: number; sequence: number } }

const migrations: readonly Migration[] = [
  {
    name: '001-progress',
    up: async (db) => {
      await db.schema
        .createTable('ledger_progress')
        .addColumn('shard', 'integer', (column) => column.primaryKey())
        .addColumn('sequence', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
]

/** How far the ledger has taken a shard's outbox: control writes it after the events are in the ledger, the relay may drop them then. */
export async function migrateProgress<Tables>(db: Kysely<Tables>): Promise<void> {
  await runMigrations(db, 'ledger-progress', migrations)
}

/** The highest sequence number that is safe in the ledger; 0 when none is. */
export async function readProgress<Tables>(db: Kysely<Tables>, shard: number): Promise<number> {
  const store = db as unknown as Kysely<ProgressTable>
  const row = await store.selectFrom('ledger_progress').select('sequence').where('shard', '=', shard).executeTakeFirst()
  return row?.sequence ?? 0
}

async function writeProgress<Tables>(db: Kysely<Tables>, shard: number, sequence: number): Promise<void> {
  const store = db as unknown as Kysely<ProgressTable>
  await store
    .insertInto('ledger_progress')
    .values({ shard, sequence })
    .onConflict((conflict) => conflict.column('shard').doUpdateSet({ sequence }))
    .execute()
}

/**
 * Takes what waits in the outboxes into the ledger and writes down how far it came. What a process before this one took and did not
 * live to write down is written by the first call.
 */
export function projector<Tables>(ledger: Ledger, db: Kysely<Tables>): () => Promise<void> {
  const written = new Map<number, number>()
  return async () => {
    await ledger.project()
    for (const { shard, sequence } of ledger.progress()) {
      if (written.get(shard) === sequence) continue
      await writeProgress(db, shard, sequence)
      written.set(shard, sequence)
    }
  }
}
