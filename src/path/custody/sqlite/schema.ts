import Database from 'better-sqlite3'
import { join } from 'node:path'
import { laneNames, laneTableAgain, laneTables } from './lanes.ts'

/** Octets of a page of a new shard: a usual message then needs two or three, where pages of 4096 cost half as much work again. */
const pageSize = 8192

/** Pages in the write-ahead log before they are moved into the database: 32 MB, enough for a busy queue to reuse its own pages. */
const checkpointPages = 4000

/**
 * `key` binds the tables; it is never shown. A message's bytes have a table of their own, and a recipient a row of its own.
 */
const firstTables = `
  CREATE TABLE message (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    due_at INTEGER,
    hold_until INTEGER,
    reason TEXT,
    recipients INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    customer TEXT NOT NULL,
    source TEXT NOT NULL,
    domain TEXT NOT NULL,
    reverse_path TEXT NOT NULL,
    arrived_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    permit TEXT NOT NULL,
    envelope TEXT NOT NULL,
    relaxed_body_hash BLOB NOT NULL,
    header_size INTEGER NOT NULL,
    body_size INTEGER NOT NULL,
    body_file TEXT,
    checksum INTEGER NOT NULL,
    body_checksum INTEGER NOT NULL
  );
  CREATE TABLE recipient (
    message INTEGER NOT NULL,
    position INTEGER NOT NULL,
    local_part TEXT NOT NULL,
    domain TEXT NOT NULL,
    notify TEXT,
    orcpt TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    last_reply TEXT,
    delay_notified INTEGER NOT NULL,
    PRIMARY KEY (message, position)
  ) WITHOUT ROWID;
  CREATE TABLE content (
    message INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    body BLOB
  );
  CREATE TABLE aside (
    id TEXT PRIMARY KEY,
    what TEXT NOT NULL,
    at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    customer TEXT,
    source TEXT,
    detail TEXT NOT NULL
  );
  CREATE TABLE charge (
    window INTEGER NOT NULL,
    key TEXT NOT NULL,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (window, key)
  ) WITHOUT ROWID;
  CREATE TABLE progress (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) WITHOUT ROWID;
`

/** Whose a hold is and what ends it, and the way on which a person sends a message. */
const deskColumns = `
  ALTER TABLE message ADD COLUMN hold_owner TEXT;
  ALTER TABLE message ADD COLUMN hold_then TEXT;
  ALTER TABLE message ADD COLUMN route TEXT;
`

/** What each version adds to the one before it. A shard of a higher version than the last is refused. */
const versions: readonly { readonly version: number; readonly sql: string }[] = [
  { version: 1, sql: firstTables },
  { version: 2, sql: deskColumns },
  { version: 3, sql: laneTables },
]

export function databaseFile(directory: string): string {
  return join(directory, 'custody.db')
}

export function bodyDirectory(directory: string): string {
  return join(directory, 'bodies')
}

/**
 * What the schedule is answered from; all of it can be made again from the messages. `message_desk` answers what people
 * ask of the queue: it grows at its end, as ids do, and holds all that their filters look at.
 */
const indexes = `
  CREATE INDEX IF NOT EXISTS lane_ready ON lane (ready_at, key);
  CREATE INDEX IF NOT EXISTS recipient_due ON recipient (lane, due_at, message) WHERE lane IS NOT NULL;
  CREATE INDEX IF NOT EXISTS message_held ON message (hold_until, id) WHERE state = 'held';
  CREATE INDEX IF NOT EXISTS message_desk
    ON message (id, state, customer, source, domain, arrived_at, due_at, pending, reason);
`

/**
 * Makes the schedule again without touching its pages, which are lost: REINDEX and DROP INDEX would read
 * them and fail. A crash before the second step leaves a shard that is slow until the next open.
 */
export function remakeIndexes(db: Database.Database): void {
  db.unsafeMode(true)
  try {
    db.pragma('writable_schema = ON')
    const names = ['lane_ready', 'recipient_due', 'message_held', 'message_desk', ...laneNames]
    db.prepare(`DELETE FROM sqlite_schema WHERE name IN (${names.map(() => '?').join(', ')})`).run(...names)
    db.pragma('writable_schema = RESET')
  } finally {
    db.unsafeMode(false)
  }
  db.transaction(() => db.exec(laneTableAgain + indexes)).immediate()
}

/** The writing connection of a shard; makes the tables of a new one. */
export function openForWriting(directory: string): Database.Database {
  const db = new Database(databaseFile(directory), { timeout: 10_000 })
  try {
    db.pragma(`page_size = ${pageSize}`)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    db.pragma('journal_size_limit = 67108864')
    db.pragma('cache_size = -65536')
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Each version in a transaction of its own, so that a crash between two leaves a shard that goes on from there. */
function migrate(db: Database.Database): void {
  const found = db.pragma('user_version', { simple: true }) as number
  if (found > (versions.at(-1)?.version ?? 0)) throw new Error('the custody shard was made by a newer version')
  for (const { version, sql } of versions.filter((one) => one.version > found))
    db.transaction(() => db.exec(`${sql}; PRAGMA user_version = ${version}`)).immediate()
  db.exec(indexes)
}

/** A connection that cannot write. The shard must exist. */
export function openForReading(directory: string): Database.Database {
  const db = new Database(databaseFile(directory), { readonly: true, fileMustExist: true, timeout: 10_000 })
  db.pragma('cache_size = -32768')
  return db
}

function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Database.SqliteError
}

/** What is on the disk is not what SQLite wrote there. */
export function isCorruption(error: unknown): boolean {
  return isSqliteError(error) && (error.code.startsWith('SQLITE_CORRUPT') || error.code === 'SQLITE_NOTADB')
}

export function isFull(error: unknown): boolean {
  return isSqliteError(error) && (error.code === 'SQLITE_FULL' || error.code.startsWith('SQLITE_FULL_'))
}
