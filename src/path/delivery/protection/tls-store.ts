import type { Kysely } from 'kysely'
import { join } from 'node:path'
import { type Migration, openStore, runMigrations } from '../../../platform/sql.ts'

/** What delivery keeps about TLS beyond a restart, shared by all relay processes of an instance. */
export type TlsTables = {
  /** Policies as they were fetched (RFC 8461). Moments are milliseconds since the epoch. */
  mta_sts_policy: { domain: string; policy_id: string; text: string; fetched_at: number; used_at: number }
  /** Sessions of a UTC day that came out alike (RFC 8460). `result` is `success` or a failure type. */
  tls_session: {
    day: string
    domain: string
    policy_type: string
    /** What the report says of the policy, as JSON. */
    policy: string
    result: string
    sending_ip: string
    mx: string
    receiving_ip: string
    words: string
    sessions: number
  }
  /** Which reports were asked for, claimed by a process, and sent. */
  tls_report: { day: string; domain: string; claimed_at: number; sent_at: number | null; outcome: string | null }
}

export type TlsStore = Kysely<TlsTables>

const migrations: readonly Migration[] = [
  {
    name: '001-policies-and-results',
    up: async (db) => {
      await db.schema
        .createTable('mta_sts_policy')
        .addColumn('domain', 'text', (column) => column.primaryKey())
        .addColumn('policy_id', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('fetched_at', 'bigint', (column) => column.notNull())
        .addColumn('used_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('tls_session')
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('domain', 'text', (column) => column.notNull())
        .addColumn('policy_type', 'text', (column) => column.notNull())
        .addColumn('policy', 'text', (column) => column.notNull())
        .addColumn('result', 'text', (column) => column.notNull())
        .addColumn('sending_ip', 'text', (column) => column.notNull())
        .addColumn('mx', 'text', (column) => column.notNull())
        .addColumn('receiving_ip', 'text', (column) => column.notNull())
        .addColumn('words', 'text', (column) => column.notNull())
        .addColumn('sessions', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('tls_session_key', [
          'day',
          'domain',
          'policy_type',
          'policy',
          'result',
          'sending_ip',
          'mx',
          'receiving_ip',
        ])
        .execute()
      await db.schema
        .createTable('tls_report')
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('domain', 'text', (column) => column.notNull())
        .addColumn('claimed_at', 'bigint', (column) => column.notNull())
        .addColumn('sent_at', 'bigint')
        .addColumn('outcome', 'text')
        .addPrimaryKeyConstraint('tls_report_key', ['day', 'domain'])
        .execute()
    },
  },
]

/** Opens `tls.db` in the data directory. Losing it costs policies that are fetched again, and reports of two days. */
export async function openTlsStore(dataDir: string): Promise<TlsStore> {
  const store = openStore<TlsTables>(`sqlite:${join(dataDir, 'tls.db')}`)
  await runMigrations(store, 'delivery-tls', migrations)
  return store
}
