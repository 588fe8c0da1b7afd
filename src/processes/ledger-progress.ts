import type { Kysely } from 'kysely'
import { type Migration, runMigrations } from '../platform/sql.ts'

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

export async function writeProgress<Tables>(db: Kysely<Tables>, shard: number, sequence: number): Promise<void> {
  const store = db as unknown as Kysely<ProgressTable>
  await store
    .insertInto('ledger_progress')
    .values({ shard, sequence })
    .onConflict((conflict) => conflict.column('shard').doUpdateSet({ sequence }))
    .execute()
}
