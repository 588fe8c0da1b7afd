import type Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import type { StoredEvent } from '../../../rooms/ledger/index.ts'
import { Outbox } from './outbox.ts'
import { databaseFile, openForReading } from './schema.ts'
import { shardDirectory } from './open.ts'

/** Reads the events of a shard that the ledger has not yet taken, while another process owns and writes it. */
export interface OutboxReader {
  readonly shard: number
  /** Events with a higher sequence number, in order. */
  after(sequence: number, limit: number): readonly StoredEvent[]
  /** Events of one message or decision, in order. */
  find(id: string): readonly StoredEvent[]
  close(): void
}

/** A shard that does not exist yet has no events; it is looked for again with each question. */
export function openOutboxReader(dataDir: string, shard: number): OutboxReader {
  const directory = shardDirectory(dataDir, shard)
  let opened: { readonly db: Database.Database; readonly outbox: Outbox } | null = null
  const outbox = (): Outbox | null => {
    if (opened === null && existsSync(databaseFile(directory))) {
      const db = openForReading(directory)
      try {
        opened = { db, outbox: new Outbox(db, shard) }
      } catch (error) {
        db.close()
        // The owner has made the file and not yet its tables.
        if (error instanceof Error && error.message.startsWith('no such table')) return null
        throw error
      }
    }
    return opened?.outbox ?? null
  }
  return {
    shard,
    after: (sequence, limit) => outbox()?.after(sequence, limit) ?? [],
    find: (id) => outbox()?.find(id) ?? [],
    close: () => {
      opened?.db.close()
      opened = null
    },
  }
}
