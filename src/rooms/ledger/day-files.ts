import Database from 'better-sqlite3'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Log } from '../../platform/log.ts'
import type { StoredEvent } from './event.ts'

const dayMs = 86_400_000

/** Days that are kept open: the one that fills, and those that questions go to. */
const openDays = 8

/** Octets of a page of a new day: a decision with its evidence needs some 2,000. */
const pageSize = 8192

/** Pages in the write-ahead log before they are moved into the file: the last pages of each index change with every batch, so often is dear. */
const checkpointPages = 2000

const plain = 1
/** The subjects of this day's messages were taken out. */
const withoutSubjects = 2

const schema = `
  CREATE TABLE event (
    shard INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    customer TEXT,
    source TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (shard, sequence)
  );
  CREATE INDEX event_id ON event (id);
  CREATE INDEX event_customer ON event (customer, at);
  PRAGMA user_version = ${plain};
`

/** Decisions by a checksum of the Message-ID of what was judged; several may share one. */
const names = `
  CREATE TABLE IF NOT EXISTS message_name (
    checksum INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (checksum, id)
  ) WITHOUT ROWID;
`

type EventColumns = Omit<StoredEvent, 'detail'> & { readonly detail: string }

type Day = {
  readonly db: Database.Database
  readonly insert: Database.Statement
  readonly ofId: Database.Statement
  readonly name: Database.Statement
  readonly named: Database.Statement
}

/** One SQLite file for each UTC day: dropping a day is removing a file. */
export class DayFiles {
  readonly #directory: string
  readonly #log: Log
  readonly #open = new Map<string, Day>()

  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
    mkdirSync(directory, { recursive: true, mode: 0o750 })
  }

  /** Writes events, each into the day of its moment; one that is there already stays as it is. On disk when it returns. */
  append(events: readonly StoredEvent[]): void {
    const byDay = Map.groupBy(events, (event) => dayOf(event.at))
    for (const [day, ofDay] of byDay) {
      this.#repaired(day, ({ db, insert, name }) =>
        db
          .transaction(() => {
            for (const { shard, sequence, at, kind, id, customer, source, detail } of ofDay) {
              insert.run(shard, sequence, at, kind, id, customer, source, JSON.stringify(detail))
              const messageId = kind === 'decision' ? messageIdIn(detail) : null
              if (messageId !== null) name.run(crc32(messageId), id)
            }
          })
          .immediate(),
      )
    }
  }

  /** Events of an id that happened at `since` or later, in no order. A file that cannot be read is reported and passed over. */
  find(id: string, since: number): readonly StoredEvent[] {
    const first = dayOf(since)
    return this.days()
      .filter((day) => day >= first)
      .flatMap((day) => this.#findIn(day, id))
  }

  /** Ids of decisions about messages of this Message-ID, newest day first, at most so many. */
  named(asked: string, limit: number): readonly string[] {
    const messageId = bareMessageId(asked)
    const found: string[] = []
    for (const day of this.days().toReversed()) {
      if (found.length >= limit) break
      found.push(...this.#namedIn(day, messageId))
    }
    return found.slice(0, limit)
  }

  #namedIn(day: string, messageId: string): readonly string[] {
    try {
      const ids = this.#day(day).named.all(crc32(messageId)) as string[]
      return ids.filter((id) =>
        this.#findIn(day, id).some(({ kind, detail }) => kind === 'decision' && messageIdIn(detail) === messageId),
      )
    } catch (error) {
      this.#log.error('a day of the ledger could not be read', { day, error })
      return []
    }
  }

  /** Days that have a file, oldest first. */
  days(): readonly string[] {
    return readdirSync(this.#directory)
      .filter((name) => /^\d{4}-\d\d-\d\d\.db$/.test(name))
      .map((name) => name.slice(0, -3))
      .toSorted()
  }

  /** Removes the days that ended before `moment`. */
  dropOlderThan(moment: number): void {
    for (const day of this.days()) {
      if (Date.parse(day) + dayMs > moment) continue
      this.#close(day)
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#file(day)}${suffix}`, { force: true })
    }
  }

  /** Takes the subjects of messages out of the days that ended before `moment`. */
  forgetSubjectsOlderThan(moment: number): void {
    for (const day of this.days()) {
      if (Date.parse(day) + dayMs > moment) continue
      this.#repaired(day, ({ db }) => {
        if (db.pragma('user_version', { simple: true }) === withoutSubjects) return
        db.pragma('secure_delete = ON')
        db.transaction(() => {
          db.exec(`UPDATE event SET detail = json_set(detail, '$.evidence.message.subject', NULL)
            WHERE kind = 'decision' AND json_extract(detail, '$.evidence.message.subject') IS NOT NULL`)
          db.pragma(`user_version = ${withoutSubjects}`)
        }).immediate()
        db.pragma('wal_checkpoint(TRUNCATE)')
      })
    }
  }

  close(): void {
    for (const day of this.#open.keys()) this.#close(day)
  }

  #findIn(day: string, id: string): readonly StoredEvent[] {
    try {
      const rows = this.#day(day).ofId.all(id) as EventColumns[]
      return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as StoredEvent['detail'] }))
    } catch (error) {
      this.#log.error('a day of the ledger could not be read', { day, error })
      return []
    }
  }

  /** A file that is damaged is put beside, with its day in its name, and the day goes on in a new one. */
  #repaired(day: string, work: (day: Day) => void): void {
    try {
      work(this.#day(day))
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#log.error('a day of the ledger is damaged and was put beside', { day, error })
      this.#close(day)
      const beside = `${this.#file(day)}.damaged-${Date.now()}`
      for (const suffix of ['', '-wal', '-shm']) moveIfThere(`${this.#file(day)}${suffix}`, `${beside}${suffix}`)
      work(this.#day(day))
    }
  }

  #day(day: string): Day {
    const open = this.#open.get(day)
    if (open !== undefined) {
      // Moved to the end, so that the first is the one that was not asked for the longest.
      this.#open.delete(day)
      this.#open.set(day, open)
      return open
    }
    const [oldest] = this.#open.keys()
    if (oldest !== undefined && this.#open.size >= openDays) this.#close(oldest)
    const opened = openDay(this.#file(day))
    this.#open.set(day, opened)
    return opened
  }

  #close(day: string): void {
    this.#open.get(day)?.db.close()
    this.#open.delete(day)
  }

  #file(day: string): string {
    return join(this.#directory, `${day}.db`)
  }
}

/** The end of the year 9999, beyond which a day has no four-digit year. */
const lastMoment = 253_402_300_799_999

/** The UTC day of a moment, as `YYYY-MM-DD`; a moment before the epoch or beyond four-digit years counts as the epoch. */
export function dayOf(at: number): string {
  return new Date(at >= 0 && at <= lastMoment ? at : 0).toISOString().slice(0, 10)
}

function openDay(file: string): Day {
  const db = new Database(file, { timeout: 10_000 })
  try {
    db.pragma(`page_size = ${pageSize}`)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    if (db.pragma('user_version', { simple: true }) === 0) db.transaction(() => db.exec(schema)).immediate()
    db.exec(names)
    const columns = 'shard, sequence, at, kind, id, customer, source, detail'
    return {
      db,
      insert: db.prepare(`INSERT OR IGNORE INTO event (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
      ofId: db.prepare(`SELECT ${columns} FROM event WHERE id = ?`),
      name: db.prepare('INSERT OR IGNORE INTO message_name (checksum, id) VALUES (?, ?)'),
      named: db.prepare('SELECT id FROM message_name WHERE checksum = ? ORDER BY id LIMIT 100').pluck(),
    }
  } catch (error) {
    db.close()
    throw error
  }
}

/** A Message-ID without blanks around it and without its angle brackets. */
function bareMessageId(text: string): string {
  return text.trim().replace(/^<(.*)>$/, '$1')
}

function messageIdIn(detail: StoredEvent['detail']): string | null {
  const evidence = detail['evidence'] as { readonly message?: { readonly messageId?: unknown } | null } | undefined
  const messageId = evidence?.message?.messageId
  return typeof messageId === 'string' ? bareMessageId(messageId) : null
}

/** What is on the disk is not what SQLite wrote there. */
export function isDamage(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError && (error.code.startsWith('SQLITE_CORRUPT') || error.code === 'SQLITE_NOTADB')
  )
}

/** Moves a file out of the way, where there is one. */
export function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
  }
}
