import type { Kysely } from 'kysely'
import { type Migration, runMigrations } from '../../../platform/sql.ts'

/** Moments are milliseconds since the epoch, days their starts in UTC. */
export type BulkTables = {
  /** What a domain of a customer sent to a big receiver: on the last day that it sent anything, and on its greatest day. */
  bulk_volume: {
    customer: string
    domain: string
    receiver: string
    day: number
    messages: number
    highest: number
    highest_day: number
  }
  finding: {
    id: string
    rule: string
    severity: string
    customer: string
    subject: string
    evidence: string
    first_seen: number
    last_seen: number
    state: string
  }
  bulk_progress: { shard: number; sequence: number }
}

const migrations: readonly Migration[] = [
  {
    name: '001-bulk',
    up: async (db) => {
      await db.schema
        .createTable('bulk_volume')
        .addColumn('customer', 'text', (column) => column.notNull())
        .addColumn('domain', 'text', (column) => column.notNull())
        .addColumn('receiver', 'text', (column) => column.notNull())
        .addColumn('day', 'bigint', (column) => column.notNull())
        .addColumn('messages', 'bigint', (column) => column.notNull())
        .addColumn('highest', 'bigint', (column) => column.notNull())
        .addColumn('highest_day', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('bulk_volume_key', ['customer', 'domain', 'receiver'])
        .execute()
      await db.schema
        .createTable('finding')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('rule', 'text', (column) => column.notNull())
        .addColumn('severity', 'text', (column) => column.notNull())
        .addColumn('customer', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('evidence', 'text', (column) => column.notNull())
        .addColumn('first_seen', 'bigint', (column) => column.notNull())
        .addColumn('last_seen', 'bigint', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('finding_customer').on('finding').columns(['customer', 'state']).execute()
      await db.schema
        .createTable('bulk_progress')
        .addColumn('shard', 'integer', (column) => column.primaryKey())
        .addColumn('sequence', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
]

/** Brings the tables up to date; safe when processes start together. */
export async function migrateBulk<Tables>(db: Kysely<Tables>): Promise<void> {
  await runMigrations(db, 'watch', migrations)
}
