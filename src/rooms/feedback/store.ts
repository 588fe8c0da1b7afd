import Database from 'better-sqlite3'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import type { LedgerEvent, StoredEvent } from '../ledger/index.ts'
import type { LaterReport } from './later-report.ts'
import type { Enclosed } from './letterbox.ts'

/** The shard under which events of this room stand in the ledger; below the registry's, so no relay has it. */
export const feedbackShard = 1022

/** What became of one recipient, which is told once: to the ledger, and to the sender where he is owed it. */
export type Told = { readonly about: string; readonly address: string; readonly action: string }

/** A report that its sender is owed: made by us of what was read, and stored by the relay that has the queue. */
export type OwedReport = Told & {
  /** The piece that it was read in. */
  readonly piece: string
  readonly report: LaterReport
  /** `asked`: it may have been stored already. */
  readonly state: 'owed' | 'asked'
}

export type KeptPiece = {
  readonly about: Enclosed
  readonly message: Buffer
  /** What it was found to be. */
  readonly found: 'bounce' | 'report' | 'complaint' | 'other' | 'refused'
  readonly events: readonly LedgerEvent[]
  /** `report` null: nobody is owed one. */
  readonly told: readonly (Told & { readonly report: LaterReport | null })[]
}

const schema = `
  CREATE TABLE piece (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    found TEXT NOT NULL,
    about TEXT NOT NULL,
    message BLOB
  );
  CREATE INDEX piece_at ON piece (at);
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    customer TEXT,
    source TEXT,
    detail TEXT NOT NULL
  );
  CREATE INDEX event_id ON event (id);
  CREATE TABLE told (
    about TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    at INTEGER NOT NULL,
    piece TEXT NOT NULL,
    state TEXT NOT NULL,
    report TEXT,
    PRIMARY KEY (about, address, action)
  ) WITHOUT ROWID;
  CREATE INDEX told_open ON told (at) WHERE state <> 'done';
  CREATE TABLE sent (
    idid BLOB PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX sent_at ON sent (at);
  PRAGMA user_version = 1;
`

/** Octets of one piece that are kept; the longest reports in use are far shorter. */
const longestKept = 16 * 1024 * 1024

type EventColumns = Omit<StoredEvent, 'shard' | 'detail'> & { readonly detail: string }

/** Everything that came back about our mail, and what is owed for it: one SQLite file that control alone opens. */
export class FeedbackStore {
  readonly #db: Database.Database

  constructor(dataDir: string) {
    mkdirSync(join(dataDir, 'feedback'), { recursive: true, mode: 0o700 })
    this.#db = new Database(join(dataDir, 'feedback', 'feedback.db'), { timeout: 10_000 })
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    if (this.#db.pragma('user_version', { simple: true }) === 0)
      this.#db.transaction(() => this.#db.exec(schema)).immediate()
  }

  /** On disk when it returns, once for each piece. False when it was kept before. */
  keep({ about, message, found, events, told }: KeptPiece): boolean {
    return this.#db
      .transaction(() => {
        const added = this.#db
          .prepare('INSERT OR IGNORE INTO piece (id, at, found, about, message) VALUES (?, ?, ?, ?, ?)')
          .run(about.id, about.at, found, JSON.stringify(about), compressed(message.subarray(0, longestKept)))
        if (added.changes === 0) return false
        const insert = this.#db.prepare(
          'INSERT INTO event (at, kind, id, customer, source, detail) VALUES (?, ?, ?, ?, ?, ?)',
        )
        for (const { at, kind, id, customer, source, detail } of events) {
          insert.run(at, kind, id, customer, source, JSON.stringify(detail))
        }
        const tell = this.#db.prepare(
          'INSERT OR IGNORE INTO told (about, address, action, at, piece, state, report) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        for (const { about: id, address, action, report } of told) {
          const state = report === null ? 'done' : 'owed'
          tell.run(id, address, action, about.at, about.id, state, report === null ? null : JSON.stringify(report))
        }
        return true
      })
      .immediate()
  }

  /** Whether a recipient's fate was told before: then neither the ledger nor the sender hears it again. */
  wasTold({ about, address, action }: Told): boolean {
    return (
      this.#db
        .prepare('SELECT 1 FROM told WHERE about = ? AND address = ? AND action = ?')
        .pluck()
        .get(about, address, action) !== undefined
    )
  }

  /** Reports that are not known to be stored, oldest first. */
  owed(limit: number): readonly OwedReport[] {
    const rows = this.#db
      .prepare(
        `SELECT about, address, action, piece, state, report FROM told WHERE state <> 'done' ORDER BY at LIMIT ?`,
      )
      .all(limit) as (Omit<OwedReport, 'report'> & { readonly report: string })[]
    return rows.map((row) => ({ ...row, report: JSON.parse(row.report) as LaterReport }))
  }

  setState({ about, address, action }: Told, state: 'asked' | 'owed' | 'done'): void {
    this.#db
      .prepare('UPDATE told SET state = ? WHERE about = ? AND address = ? AND action = ?')
      .run(state, about, address, action)
  }

  /** Remembers by which Message-ID messages went out, so that a report that has nothing else finds its message. */
  remember(sent: readonly { readonly messageId: Buffer; readonly id: string; readonly at: number }[]): void {
    const insert = this.#db.prepare('INSERT OR REPLACE INTO sent (idid, id, at) VALUES (?, ?, ?)')
    this.#db.transaction(() => sent.forEach((one) => insert.run(one.messageId, one.id, one.at))).immediate()
  }

  sentAs(messageId: Buffer): string | null {
    return (this.#db.prepare('SELECT id FROM sent WHERE idid = ?').pluck().get(messageId) as string | undefined) ?? null
  }

  eventsAfter(sequence: number, limit: number): readonly StoredEvent[] {
    const rows = this.#db
      .prepare(
        'SELECT sequence, at, kind, id, customer, source, detail FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?',
      )
      .all(sequence, limit) as EventColumns[]
    return rows.map(eventOf)
  }

  eventsOf(id: string): readonly StoredEvent[] {
    const rows = this.#db
      .prepare('SELECT sequence, at, kind, id, customer, source, detail FROM event WHERE id = ? ORDER BY sequence')
      .all(id) as EventColumns[]
    return rows.map(eventOf)
  }

  /** Drops events that the ledger has. */
  dropEventsThrough(sequence: number): void {
    this.#db.prepare('DELETE FROM event WHERE sequence <= ?').run(sequence)
  }

  /** Drops pieces older than `reports`, and what is remembered of messages that went out before `sent`. Moments in milliseconds. */
  dropOlderThan({ reports, sent }: { readonly reports: number; readonly sent: number }): void {
    this.#db.prepare('DELETE FROM piece WHERE at < ?').run(reports)
    this.#db.prepare(`DELETE FROM told WHERE at < ? AND state = 'done'`).run(reports)
    this.#db.prepare('DELETE FROM sent WHERE at < ?').run(sent)
  }

  close(): void {
    this.#db.close()
  }
}

function compressed(message: Buffer): Buffer {
  return zstdCompressSync(message, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}

function eventOf(row: EventColumns): StoredEvent {
  return { ...row, shard: feedbackShard, detail: JSON.parse(row.detail) as StoredEvent['detail'] }
}
