import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteDialect,
  SqliteDriver,
  type TransactionSettings,
} from 'kysely'

/** How long a write waits for another process's write, in milliseconds. */
const busyTimeoutMs = 10_000

/**
 * Opens the SQL store that `url` names: `sqlite:PATH` or `sqlite::memory:`. The directory is made if it is absent.
 * Transactions take the write lock when they begin, so a read that leads to a write cannot be overtaken by another process;
 * `setAccessMode('read only')` gives a consistent read without the lock.
 * Throws when the file cannot be opened. `destroy()` of the result closes it.
 */
export function openStore<Tables>(url: string, options: { readonly readOnly?: boolean } = {}): Kysely<Tables> {
  const path = sqlitePath(url)
  const readOnly = options.readOnly ?? false
  if (path !== ':memory:' && !readOnly) mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  const database = new Database(path, { readonly: readOnly, timeout: busyTimeoutMs })
  if (!readOnly) {
    enterWal(database)
    database.pragma('synchronous = FULL')
  }
  database.pragma('foreign_keys = ON')
  return new Kysely<Tables>({ dialect: new ImmediateDialect({ database }) })
}

/** The file of a `sqlite:` URL. Throws for any other kind of store. */
export function sqlitePath(url: string): string {
  if (!url.startsWith('sqlite:') || url.length === 'sqlite:'.length) {
    throw new Error('the store URL is not of the form sqlite:PATH, which is the only kind that this version opens')
  }
  return url.slice('sqlite:'.length)
}

/** One step of a room's schema, in SQL that SQLite and PostgreSQL both take. Steps run once, in the order of their list, and are never edited. */
export type Migration = {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

type MigrationTables = { schema_migration: { room: string; name: string } }

/**
 * Brings the tables of one room up to date, in one transaction. Several processes may do it at the same time: one works, the
 * others find it done. Throws, and changes nothing, when a step fails or when the store holds a step that this version does not know.
 */
export async function runMigrations<Tables>(
  db: Kysely<Tables>,
  room: string,
  migrations: readonly Migration[],
): Promise<void> {
  const store = db as unknown as Kysely<MigrationTables>
  await store.transaction().execute(async (tx) => {
    await tx.schema
      .createTable('schema_migration')
      .ifNotExists()
      .addColumn('room', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('schema_migration_key', ['room', 'name'])
      .execute()
    const rows = await tx.selectFrom('schema_migration').select('name').where('room', '=', room).execute()
    const applied = new Set(rows.map((row) => row.name))
    const known = new Set(migrations.map((migration) => migration.name))
    const foreign = [...applied].filter((name) => !known.has(name))
    if (foreign.length > 0) {
      throw new Error(
        `the store was made by a newer version: it holds ${room} migration ${foreign.join(', ')}, which this one does not know`,
      )
    }
    for (const migration of migrations) {
      if (applied.has(migration.name)) continue
      await migration.up(tx as unknown as Kysely<unknown>)
      await tx.insertInto('schema_migration').values({ room, name: migration.name }).execute()
    }
  })
}

class ImmediateDialect extends SqliteDialect {
  readonly #database: Database.Database

  constructor(options: { readonly database: Database.Database }) {
    super(options)
    this.#database = options.database
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver({ database: this.#database })
  }
}

class ImmediateDriver extends SqliteDriver {
  /**
   * SQLite's plain `begin` takes its lock at the first write, and fails at once, whatever the timeout, when another process wrote
   * since the first read.
   */
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'))
  }
}

/** The change to WAL needs the file alone for a moment and does not use SQLite's own waiting. */
function enterWal(database: Database.Database): void {
  const deadline = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
