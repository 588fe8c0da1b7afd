import type { Kysely, Transaction } from 'kysely'
import type { Migration } from '../../../platform/sql.ts'

/** Moments are milliseconds since the epoch. */
export type SuppressionTables = {
  /** One row for each address that is or was on a list. `change` counts changes over all lists; `listed` is 0 for one that was taken off. */
  suppressed_address: {
    customer: string
    address: string
    key_high: number
    key_low: number
    reason: string
    since: number
    until: number | null
    note: string
    event: string | null
    author: string
    change: number
    listed: number
  }
  /** Failures that do not put an address on the list before there are more of them. */
  suppression_strike: {
    customer: string
    address: string
    class: string
    strikes: number
    first_at: number
    last_at: number
  }
  /** How far each shard's events were taken. */
  suppression_progress: { shard: number; sequence: number }
}

export type SuppressionDb = Kysely<SuppressionTables>
export type SuppressionTransaction = Transaction<SuppressionTables>

export const suppressionLists: Migration = {
  name: '005-suppression-lists',
  up: async (db) => {
    // What this was before held addresses alone, and nothing could fill it.
    await db.schema.dropTable('suppression').execute()
    await createAddresses(db)
    await db.schema
      .createTable('suppression_strike')
      .addColumn('customer', 'text', (column) => column.notNull())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('class', 'text', (column) => column.notNull())
      .addColumn('strikes', 'integer', (column) => column.notNull())
      .addColumn('first_at', 'bigint', (column) => column.notNull())
      .addColumn('last_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('suppression_strike_key', ['customer', 'address', 'class'])
      .execute()
    await db.schema.createIndex('suppression_strike_last').on('suppression_strike').column('last_at').execute()
    await db.schema
      .createTable('suppression_progress')
      .addColumn('shard', 'integer', (column) => column.primaryKey())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .execute()
  },
}

async function createAddresses(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('suppressed_address')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('key_high', 'bigint', (column) => column.notNull())
    .addColumn('key_low', 'bigint', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint')
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('event', 'text')
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('change', 'bigint', (column) => column.notNull())
    .addColumn('listed', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('suppressed_address_key', ['customer', 'address'])
    .execute()
  await db.schema
    .createIndex('suppressed_address_change')
    .on('suppressed_address')
    .columns(['change', 'key_high', 'key_low', 'until', 'listed'])
    .unique()
    .execute()
}
