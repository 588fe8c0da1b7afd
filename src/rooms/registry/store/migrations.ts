import type { Kysely } from 'kysely'
import { type Migration, runMigrations } from '../../../platform/sql.ts'
import { suppressionLists } from '../suppression/tables.ts'
import { parseStored, storedPages } from './customers.ts'
import { domainProofs } from './proof-migration.ts'
import type { RegistryTables, Store, StoreTransaction } from './tables.ts'
import { currentVersion } from './versions.ts'
import { noteWanted } from './wanted.ts'

const first: Migration = {
  name: '001-policy',
  up: async (db) => {
    await createPolicy(db)
    await createProofs(db)
    await createKeys(db)
    await createMarks(db)
  },
}

/** What is left to do, written down where it is found by what changed instead of by a search through everybody. */
const second: Migration = {
  name: '002-work-left',
  up: async (db) => {
    await createWanted(db)
    await addLooks(db)
  },
}

/** A key has a life, and a name may have several keys in the course of time. */
const lifeOfKeys: Migration = {
  name: '003-life-of-keys',
  up: async (db) => {
    await rebuildKeys(db)
    await db.schema
      .alterTable('wanted_key')
      .addColumn('bits', 'integer', (column) => column.notNull().defaultTo(2048))
      .execute()
    await db.schema
      .alterTable('wanted_key')
      .addColumn('rotation', 'integer', (column) => column.notNull().defaultTo(0))
      .execute()
    await noteWantedByAll(db as Store)
  },
}

/** Brings the registry's tables up to date; safe when processes start together. */
export async function migrateRegistry<Tables>(db: Kysely<Tables>): Promise<void> {
  await runMigrations(db, 'registry', [first, second, lifeOfKeys, domainProofs, suppressionLists])
}

async function createPolicy(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('policy_version')
    .addColumn('version', 'bigint', (column) => column.primaryKey())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('policy_change')
    .addColumn('version', 'bigint', (column) => column.notNull().references('policy_version.version'))
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('document', 'text')
    .addPrimaryKeyConstraint('policy_change_key', ['customer', 'version'])
    .execute()
  await db.schema.createIndex('policy_change_version').on('policy_change').column('version').execute()
  await db.schema
    .createTable('customer')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .execute()
}

async function createProofs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('proof_token')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('proof_token_key', ['customer', 'domain'])
    .execute()
  await db.schema
    .createTable('assertion')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('approved_by', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('until', 'text', (column) => column.notNull())
    .addColumn('asserted_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('assertion_key', ['customer', 'domain', 'approved_by', 'reason', 'until'])
    .execute()
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('signing_key')
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('selector', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('bits', 'integer', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('wrapped', 'text', (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('seen_at', 'bigint')
    .addColumn('active_from_version', 'bigint')
    .addColumn('active_until_version', 'bigint')
    .addPrimaryKeyConstraint('signing_key_key', ['domain', 'selector'])
    .execute()
  await db.schema.createIndex('signing_key_from').on('signing_key').column('active_from_version').execute()
  await db.schema.createIndex('signing_key_until').on('signing_key').column('active_until_version').execute()
}

async function createWanted(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('wanted_key')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('turn', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('wanted_key_key', ['customer', 'domain', 'source', 'algorithm'])
    .execute()
  await db.schema
    .createIndex('wanted_key_turn')
    .on('wanted_key')
    .columns(['turn', 'customer', 'domain', 'source', 'algorithm'])
    .execute()
}

async function addLooks(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('signing_key').addColumn('look_at', 'bigint').execute()
  await (db as Store)
    .updateTable('signing_key')
    .set((key) => ({ look_at: key.ref('created_at') }))
    .where('state', '=', 'pending')
    .execute()
  await db.schema.createIndex('signing_key_look').on('signing_key').column('look_at').execute()
  await db.schema.createIndex('signing_key_customer').on('signing_key').column('customer').execute()
  await db.schema.createIndex('standing_from').on('standing').column('from_version').execute()
  await db.schema.createIndex('standing_until').on('standing').column('until_version').execute()
}

/** A primary key cannot be changed in place, on SQLite at least. */
async function rebuildKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('signing_key').renameTo('signing_key_of_old').execute()
  for (const index of ['from', 'until', 'look', 'customer']) await db.schema.dropIndex(`signing_key_${index}`).execute()
  await db.schema
    .createTable('signing_key')
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('selector', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('bits', 'integer', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('state_since', 'bigint', (column) => column.notNull())
    .addColumn('wrapped', 'text', (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('seen_at', 'bigint')
    .addColumn('gone_at', 'bigint')
    .addColumn('active_from_version', 'bigint')
    .addColumn('active_until_version', 'bigint')
    .addColumn('look_at', 'bigint')
    .addPrimaryKeyConstraint('signing_key_name', ['domain', 'selector', 'generation'])
    .execute()
  const kept = [
    'domain',
    'selector',
    'source',
    'customer',
    'algorithm',
    'bits',
    'generation',
    'state',
    'wrapped',
  ] as const
  const more = ['public_key', 'record', 'created_at', 'seen_at', 'active_from_version', 'active_until_version'] as const
  await (db as Kysely<RegistryTables & { signing_key_of_old: RegistryTables['signing_key'] }>)
    .insertInto('signing_key')
    .columns([...kept, ...more, 'look_at', 'state_since'])
    .expression((query) =>
      query
        .selectFrom('signing_key_of_old')
        .select([...kept, ...more, 'look_at'])
        .select((row) => row.fn.coalesce('seen_at', 'created_at').as('state_since')),
    )
    .execute()
  await db.schema.dropTable('signing_key_of_old').execute()
  for (const [name, columns] of [
    ['from', ['active_from_version']],
    ['until', ['active_until_version']],
    ['look', ['look_at']],
    ['customer', ['customer']],
    ['state', ['state', 'state_since']],
  ] as const) {
    await db.schema
      .createIndex(`signing_key_${name}`)
      .on('signing_key')
      .columns([...columns])
      .execute()
  }
}

async function noteWantedByAll(store: Store): Promise<void> {
  const version = await currentVersion(store)
  for await (const page of storedPages(store)) {
    const documents = page.map(({ id, text }) => [id, parseStored(text).document] as const)
    await noteWanted(store as StoreTransaction, version, new Map(documents))
  }
}

async function createMarks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('suppression')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('from_version', 'bigint', (column) => column.notNull())
    .addColumn('until_version', 'bigint')
    .addPrimaryKeyConstraint('suppression_key', ['customer', 'address', 'from_version'])
    .execute()
  await db.schema.createIndex('suppression_from').on('suppression').column('from_version').execute()
  await db.schema.createIndex('suppression_until').on('suppression').column('until_version').execute()
  await db.schema
    .createTable('standing')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint')
    .addColumn('from_version', 'bigint', (column) => column.notNull())
    .addColumn('until_version', 'bigint')
    .addPrimaryKeyConstraint('standing_key', ['key', 'kind', 'from_version'])
    .execute()
}
