import type { Kysely } from 'kysely'
import type { Migration } from '../../../platform/sql.ts'
import { parseStored, storedPages } from './customers.ts'
import { claimsOf, keepClaims } from './proofs.ts'
import type { Store, StoreTransaction } from './tables.ts'
import { currentVersion } from './versions.ts'

/** DNS proofs: what each is, what each was at which version, who claimed what is another's, and events on their way to the ledger. */
export const domainProofs: Migration = {
  name: '004-domain-proofs',
  up: async (db) => {
    await createDomainProofs(db)
    await createEvents(db)
    await claimAll(db as Store)
  },
}

async function createDomainProofs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('domain_proof')
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('proved_at', 'bigint')
    .addColumn('lapses_at', 'bigint')
    .addColumn('looked_at', 'bigint')
    .addColumn('seen_at', 'bigint')
    .addColumn('trouble', 'text')
    .addColumn('look_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('domain_proof_key', ['customer', 'domain'])
    .execute()
  await db.schema.createIndex('domain_proof_look').on('domain_proof').column('look_at').execute()
  await db.schema.createIndex('domain_proof_domain').on('domain_proof').column('domain').execute()
  await db.schema
    .createTable('proof_change')
    .addColumn('version', 'bigint', (column) => column.notNull().references('policy_version.version'))
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('proved_at', 'bigint')
    .addColumn('lapses_at', 'bigint')
    .addPrimaryKeyConstraint('proof_change_key', ['customer', 'domain', 'version'])
    .execute()
  await db.schema.createIndex('proof_change_version').on('proof_change').column('version').execute()
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('refused_claim')
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('customer', 'text', (column) => column.notNull())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('refused_claim_key', ['domain', 'customer'])
    .execute()
  await db.schema
    .createTable('registry_event')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('customer', 'text')
    .addColumn('detail', 'text', (column) => column.notNull())
    .execute()
}

async function claimAll(store: Store): Promise<void> {
  const version = await currentVersion(store)
  for await (const page of storedPages(store)) {
    const documents = page.map(({ text }) => parseStored(text).document)
    await keepClaims(store as StoreTransaction, version, claimsOf(documents), 0)
  }
}
