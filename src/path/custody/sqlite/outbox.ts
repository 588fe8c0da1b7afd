import type Database from 'better-sqlite3'
import type { StoredEvent } from '../../../rooms/ledger/index.ts'
import { isCorruption } from './schema.ts'

type EventColumns = Omit<StoredEvent, 'shard' | 'detail'> & { readonly detail: string }

const columns = 'sequence, at, kind, id, customer, source, detail'

/** Reads the outbox of one shard over a connection that is given. */
export class Outbox {
  readonly #shard: number
  readonly #page: Database.Statement
  readonly #one: Database.Statement
  readonly #last: Database.Statement
  readonly #ofId: Database.Statement

  constructor(db: Database.Database, shard: number) {
    this.#shard = shard
    this.#page = db.prepare(`SELECT ${columns} FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?`)
    this.#one = db.prepare(`SELECT ${columns} FROM event WHERE sequence = ?`)
    this.#last = db.prepare('SELECT max(sequence) FROM event').pluck()
    this.#ofId = db.prepare(`SELECT ${columns} FROM event WHERE id = ? ORDER BY sequence`)
  }

  /** Events with a higher sequence number, in order. One that cannot be read stands as `damaged`, so that the rest goes on. */
  after(sequence: number, limit: number): readonly StoredEvent[] {
    try {
      return (this.#page.all(sequence, limit) as EventColumns[]).map((row) => this.#event(row))
    } catch (error) {
      if (!isCorruption(error)) throw error
      return this.#oneByOne(sequence, limit)
    }
  }

  /** All events of a message or decision that are still here. */
  find(id: string): readonly StoredEvent[] {
    return (this.#ofId.all(id) as EventColumns[]).map((row) => this.#event(row))
  }

  #oneByOne(after: number, limit: number): readonly StoredEvent[] {
    const last = this.#last.get() as number | null
    const events: StoredEvent[] = []
    for (let sequence = after + 1; sequence <= (last ?? 0) && events.length < limit; sequence++) {
      const event = this.#readOne(sequence)
      if (event !== null) events.push(event)
    }
    return events
  }

  #readOne(sequence: number): StoredEvent | null {
    try {
      const row = this.#one.get(sequence) as EventColumns | undefined
      return row === undefined ? null : this.#event(row)
    } catch (error) {
      if (!isCorruption(error)) throw error
      return this.#unreadable(sequence)
    }
  }

  #event(row: EventColumns): StoredEvent {
    try {
      return { shard: this.#shard, ...row, detail: JSON.parse(row.detail) as StoredEvent['detail'] }
    } catch {
      return this.#unreadable(row.sequence)
    }
  }

  #unreadable(sequence: number): StoredEvent {
    const detail = { what: 'an event in the outbox could not be read' }
    return {
      shard: this.#shard,
      sequence,
      at: Date.now(),
      kind: 'damaged',
      id: '',
      customer: null,
      source: null,
      detail,
    }
  }
}
