import type Database from 'better-sqlite3'
import { crc32 } from 'node:zlib'
import type { Charge } from '../custody.ts'
import { LaneBook } from './lanes.ts'
import {
  type EntryRow,
  type EventRow,
  type OutcomeRow,
  type WriteAnswers,
  type WriteRequest,
  checksumOf,
} from './wire.ts'

/** How long charges are kept: the longest window of a limit is a day. */
const chargesKeptMs = 25 * 3_600_000

/** What is done within a transaction. */
export type Change = Exclude<WriteRequest, { readonly ask: 'remake-indexes' }>

type Located = {
  readonly key: number
  readonly state: string
  readonly recipients: number
  readonly pending: number
  readonly body_file: string | null
}

/** Every change of a shard, as prepared statements. It begins and commits nothing: the group does. */
export class WriterStore {
  readonly #statements: ReturnType<typeof prepare>
  readonly #lanes: LaneBook
  #sequence: number
  #chargesPrunedAt = 0
  #removedFiles: string[] = []

  constructor(db: Database.Database, now: number) {
    this.#statements = prepare(db)
    this.#lanes = new LaneBook(db)
    this.#sequence = lastSequence(db, now)
  }

  /** The highest sequence number given so far; `rewind` goes back to it when a group is rolled back. */
  mark(): number {
    return this.#sequence
  }

  rewind(mark: number): void {
    this.#sequence = mark
    this.#removedFiles = []
    this.#lanes.forget()
  }

  /** The lanes were made again. */
  forgetLanes(): void {
    this.#lanes.forget()
  }

  /** Body files whose rows the committed group removed. */
  takeRemovedFiles(): readonly string[] {
    const files = this.#removedFiles
    this.#removedFiles = []
    return files
  }

  apply(request: Change, bytes: Buffer): WriteAnswers[Change['ask']] {
    switch (request.ask) {
      case 'accept':
        this.#enter(request.entry, bytes)
        this.#record(request.events)
        return 'stored'
      case 'record':
        this.#record(request.events)
        return null
      case 'settle': {
        const unused = this.#settle(request.id, request.outcomes, request.follow, bytes)
        this.#record(request.events)
        return { unused, aside: false }
      }
      case 'hold': {
        const { reason, until, owner = null, atEnd = null } = request.hold
        const held = this.#statements.hold.run(reason, until, owner, atEnd, request.id).changes > 0
        if (held) this.#record(request.events)
        return held
      }
      case 'hurry':
        return this.#hurry(request.id, request.dueAt, request.events)
      case 'reroute':
        return this.#reroute(request)
      case 'release':
        return this.#release(request.id, request.dueAt, request.events)
      case 'set-aside':
        return this.#setAside(request)
      case 'rest':
        for (const { destination, customer, until } of request.lanes) this.#lanes.rest(destination, customer, until)
        return null
      case 'hasten':
        this.#hasten(request.by)
        return null
      case 'charge':
        this.#charge(request.charges)
        return null
      case 'trim':
        this.#trim(request.through)
        return null
    }
  }

  #enter(entry: EntryRow, bytes: Buffer): void {
    const headerAt = entry.at + entry.hashSize
    const bodyAt = headerAt + entry.headerSize
    const body = entry.bodyFile === null ? bytes.subarray(bodyAt, bodyAt + entry.bodySize) : null
    const key = this.#statements.insertMessage.run(
      entry.id,
      entry.hold === null ? 'queued' : 'held',
      entry.hold === null ? entry.arrivedAt : null,
      entry.hold?.until ?? null,
      entry.hold?.reason ?? null,
      entry.hold?.owner ?? null,
      entry.hold?.atEnd ?? null,
      entry.recipients.length,
      entry.recipients.length,
      entry.customer,
      entry.source,
      entry.domain,
      entry.reversePath,
      entry.arrivedAt,
      entry.size,
      entry.permit,
      entry.envelope,
      bytes.subarray(entry.at, headerAt),
      entry.headerSize,
      entry.bodySize,
      entry.bodyFile?.name ?? null,
      checksumOf(entry.permit, entry.envelope, entry.recipients, bytes.subarray(entry.at, bodyAt)),
      body === null ? (entry.bodyFile?.checksum ?? 0) : crc32(body),
    ).lastInsertRowid
    this.#statements.insertContent.run(key, bytes.subarray(headerAt, bodyAt), body)
    for (const [index, localPart, domain, notify, orcpt] of entry.recipients) {
      const lane = entry.hold === null ? this.#lanes.enter(domain, entry.customer, entry.arrivedAt) : null
      this.#statements.insertRecipient.run(key, index, localPart, domain, notify, orcpt, entry.arrivedAt, lane)
    }
  }

  #record(events: readonly EventRow[]): void {
    for (const [at, kind, id, customer, source, detail] of events) {
      this.#statements.insertEvent.run(++this.#sequence, at, kind, id, customer, source, detail)
    }
  }

  #settle(id: string, outcomes: readonly OutcomeRow[], follow: readonly EntryRow[], bytes: Buffer): readonly string[] {
    const message = this.#statements.locate.get(id) as Located | undefined
    if (message === undefined) return follow.flatMap((entry) => entry.bodyFile?.name ?? [])
    if (endsAll(message, outcomes)) this.#remove(id, message)
    else this.#update(id, message, outcomes)
    for (const entry of follow) this.#enter(entry, bytes)
    return []
  }

  #update(id: string, message: Located, outcomes: readonly OutcomeRow[]): void {
    let pending = message.pending
    for (const outcome of outcomes) {
      if (outcome.state === 'pending') {
        this.#statements.retryRecipient.run(
          outcome.attempted ? 1 : 0,
          outcome.dueAt,
          outcome.reply,
          outcome.delayNotified ? 1 : 0,
          message.key,
          outcome.index,
        )
      } else {
        pending -= this.#statements.endRecipient.run(outcome.state, outcome.reply, message.key, outcome.index).changes
      }
    }
    if (pending === 0) this.#remove(id, message)
    else this.#statements.reschedule.run(pending, message.key, message.key)
  }

  #remove(id: string, message: Located): void {
    this.#statements.deleteContent.run(message.key)
    this.#statements.deleteRecipients.run(message.key)
    this.#statements.deleteMessage.run(message.key)
    if (message.state === 'damaged') this.#statements.deleteAside.run(id)
    if (message.body_file !== null) this.#removedFiles.push(message.body_file)
  }

  #release(id: string, dueAt: number, events: readonly EventRow[]): boolean {
    const message = this.#statements.locate.get(id) as Located | undefined
    if (message === undefined || message.state !== 'held') return false
    this.#statements.releaseMessage.run(dueAt, message.key)
    this.#statements.releaseRecipients.run(dueAt, message.key)
    this.#record(events)
    return true
  }

  #hurry(id: string, dueAt: number, events: readonly EventRow[]): boolean {
    const message = this.#statements.locate.get(id) as Located | undefined
    if (message === undefined || message.state !== 'queued') return false
    this.#makeDue(message.key, dueAt)
    this.#record(events)
    return true
  }

  #reroute({ id, route, dueAt, events }: Extract<WriteRequest, { readonly ask: 'reroute' }>): boolean {
    const message = this.#statements.locate.get(id) as Located | undefined
    if (message === undefined || message.state === 'damaged') return false
    this.#statements.reroute.run(route, message.key)
    if (message.state === 'queued') this.#makeDue(message.key, dueAt)
    this.#record(events)
    return true
  }

  #makeDue(key: number, dueAt: number): void {
    this.#statements.hurryMessage.run(dueAt, key)
    this.#statements.releaseRecipients.run(dueAt, key)
  }

  /** The row in `aside` is what counts. False when the message is gone or was set aside before. */
  #setAside({ id, what, at, blind }: Extract<WriteRequest, { readonly ask: 'set-aside' }>): boolean {
    const owner = blind ? unknownOwner : (this.#statements.owner.get(id) as typeof unknownOwner | undefined)
    if (owner === undefined) return false
    if (!blind) this.#statements.markDamaged.run(what, id)
    if (this.#statements.insertAside.run(id, what, at).changes === 0) return false
    this.#record([[at, 'damaged', id, owner.customer, owner.source, JSON.stringify({ what })]])
    return true
  }

  #hasten(by: number): void {
    this.#statements.hastenRecipients.run(by)
    this.#statements.hastenMessages.run(by)
  }

  #charge(charges: readonly Charge[]): void {
    for (const { key, window, messages, recipients } of charges) {
      this.#statements.addCharge.run(window, key, messages, recipients)
      if (window <= this.#chargesPrunedAt) continue
      this.#chargesPrunedAt = window
      this.#statements.pruneCharges.run(window - chargesKeptMs)
    }
  }

  #trim(through: number): void {
    const last = Math.min(through, this.#sequence)
    this.#statements.deleteEvents.run(last)
    this.#statements.setProgress.run('trimmed', last)
  }
}

const unknownOwner: { readonly customer: string | null; readonly source: string | null } = {
  customer: null,
  source: null,
}

/** Whether these outcomes are final ones for all recipients of a message of which none was final before. */
function endsAll(message: Located, outcomes: readonly OutcomeRow[]): boolean {
  if (message.pending !== message.recipients || outcomes.length < message.recipients) return false
  const ended = new Set<number>()
  for (const { state, index } of outcomes) {
    if (state === 'pending') return false
    if (index >= 0 && index < message.recipients) ended.add(index)
  }
  return ended.size === message.recipients
}

/**
 * A new shard begins at its own time of birth in microseconds, so its numbers are above those of any shard that stood in
 * its place before: the ledger remembers how far it has read.
 */
function lastSequence(db: Database.Database, now: number): number {
  const inOutbox = db.prepare('SELECT max(sequence) FROM event').pluck().get() as number | null
  const trimmed = db.prepare(`SELECT value FROM progress WHERE name = 'trimmed'`).pluck().get() as number | undefined
  if (inOutbox === null && trimmed === undefined) return now * 1000
  return Math.max(inOutbox ?? 0, trimmed ?? 0)
}

function prepare(db: Database.Database) {
  return {
    insertMessage: db.prepare(
      `INSERT INTO message (id, state, due_at, hold_until, reason, hold_owner, hold_then, recipients, pending, customer, source, domain,
         reverse_path, arrived_at, size, permit, envelope, relaxed_body_hash, header_size, body_size, body_file,
         checksum, body_checksum)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertContent: db.prepare('INSERT INTO content (message, header, body) VALUES (?, ?, ?)'),
    insertRecipient: db.prepare(
      `INSERT INTO recipient (message, position, local_part, domain, notify, orcpt, state, attempts, due_at,
         last_reply, delay_notified, lane)
       VALUES (?, ?, ?, ?, ?, ?, 'pending', 0, ?, NULL, 0, ?)`,
    ),
    insertEvent: db.prepare(
      'INSERT INTO event (sequence, at, kind, id, customer, source, detail) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    locate: db.prepare('SELECT key, state, recipients, pending, body_file FROM message WHERE id = ?'),
    owner: db.prepare('SELECT customer, source FROM message WHERE id = ?'),
    retryRecipient: db.prepare(
      `UPDATE recipient SET attempts = attempts + ?, due_at = ?, last_reply = ?, delay_notified = max(delay_notified, ?)
       WHERE message = ? AND position = ? AND state = 'pending'`,
    ),
    endRecipient: db.prepare(
      `UPDATE recipient SET state = ?, last_reply = ?, attempts = attempts + 1, lane = NULL
       WHERE message = ? AND position = ? AND state = 'pending'`,
    ),
    reschedule: db.prepare(
      `UPDATE message SET pending = ?, due_at = iif(state = 'queued',
         (SELECT min(due_at) FROM recipient WHERE message = ? AND state = 'pending'), NULL)
       WHERE key = ?`,
    ),
    deleteContent: db.prepare('DELETE FROM content WHERE message = ?'),
    deleteRecipients: db.prepare('DELETE FROM recipient WHERE message = ?'),
    deleteMessage: db.prepare('DELETE FROM message WHERE key = ?'),
    deleteAside: db.prepare('DELETE FROM aside WHERE id = ?'),
    hold: db.prepare(
      `UPDATE message SET state = 'held', reason = ?, hold_until = ?, hold_owner = ?, hold_then = ?, due_at = NULL
       WHERE id = ? AND state IN ('queued', 'held')`,
    ),
    releaseMessage: db.prepare(
      `UPDATE message SET state = 'queued', reason = NULL, hold_until = NULL, hold_owner = NULL, hold_then = NULL,
         due_at = ? WHERE key = ?`,
    ),
    hurryMessage: db.prepare(`UPDATE message SET due_at = ? WHERE key = ?`),
    reroute: db.prepare('UPDATE message SET route = ? WHERE key = ?'),
    releaseRecipients: db.prepare(`UPDATE recipient SET due_at = ? WHERE message = ? AND state = 'pending'`),
    insertAside: db.prepare('INSERT OR IGNORE INTO aside (id, what, at) VALUES (?, ?, ?)'),
    markDamaged: db.prepare(
      `UPDATE message SET state = 'damaged', reason = ?, due_at = NULL, hold_until = NULL WHERE id = ?`,
    ),
    hastenRecipients: db.prepare(
      `UPDATE recipient SET due_at = due_at - ?
       WHERE state = 'pending' AND message IN (SELECT key FROM message WHERE state = 'queued')`,
    ),
    hastenMessages: db.prepare(`UPDATE message SET due_at = due_at - ? WHERE state = 'queued'`),
    addCharge: db.prepare(
      `INSERT INTO charge (window, key, messages, recipients) VALUES (?, ?, ?, ?)
       ON CONFLICT (window, key) DO UPDATE SET messages = messages + excluded.messages,
         recipients = recipients + excluded.recipients`,
    ),
    pruneCharges: db.prepare('DELETE FROM charge WHERE window < ?'),
    deleteEvents: db.prepare('DELETE FROM event WHERE sequence <= ?'),
    setProgress: db.prepare(
      `INSERT INTO progress (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
    ),
  }
}
