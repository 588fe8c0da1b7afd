import type Database from 'better-sqlite3'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Charge, Depth, Lane, QueueFilter } from '../custody.ts'
import { laneQuestions } from './lanes.ts'
import { Outbox } from './outbox.ts'
import { Survey, type Wanted } from './survey.ts'
import { isCorruption } from './schema.ts'
import {
  type DamageFound,
  type ListedRow,
  type MessageRow,
  type ReadAnswers,
  type ReadRequest,
  type RecipientRow,
  type RecipientStateRow,
  type WaitingPlace,
  type WaitingRow,
  checksumOf,
  damagedPage,
} from './wire.ts'

type StoredColumns = {
  readonly key: number
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly holdUntil: number | null
  readonly holdOwner: string | null
  readonly holdThen: string | null
  readonly route: string | null
  readonly size: number
  readonly permit: string
  readonly envelope: string
  readonly relaxedBodyHash: Buffer
  readonly recipients: number
  readonly headerSize: number
  readonly bodySize: number
  readonly bodyFile: string | null
  readonly checksum: number
}

type BodyColumns = {
  readonly body: Buffer | null
  readonly bodySize: number
  readonly bodyFile: string | null
  readonly checksum: number
}

type ContentColumns = { readonly header: Buffer; readonly inlineSize: number | null }

type ListedColumns = Omit<ListedRow, 'recipients'> & { readonly key: number }

/** Every question to a shard, as prepared statements on a connection that cannot write. */
export class ReaderStore {
  readonly #db: Database.Database
  readonly #statements: ReturnType<typeof prepare>
  readonly #outbox: Outbox
  readonly #survey: Survey
  readonly #bodies: string

  constructor(db: Database.Database, shard: number, bodies: string) {
    this.#db = db
    this.#statements = prepare(db)
    this.#outbox = new Outbox(db, shard)
    this.#survey = new Survey(db)
    this.#bodies = bodies
  }

  /** Each answer shows the shard as it was at one moment. */
  answer(request: ReadRequest): ReadAnswers[ReadRequest['ask']] {
    this.#statements.begin.run()
    try {
      return this.#answer(request)
    } finally {
      if (this.#db.inTransaction) this.#statements.rollback.run()
    }
  }

  #answer(request: ReadRequest): ReadAnswers[ReadRequest['ask']] {
    switch (request.ask) {
      case 'lanes':
        return this.#lanes(request)
      case 'next-ready':
        return (this.#statements.nextReady.get(request.now) as number | undefined) ?? null
      case 'waiting':
        return this.#waiting(request)
      case 'expired-holds':
        return this.#statements.expired.all(request.now, request.limit) as string[]
      case 'message':
        return this.#readable(() => this.#message(request.id))
      case 'body':
        return this.#readable(() => this.#body(request.id))
      case 'list':
        return this.#list(request.filter, request.after, request.limit)
      case 'find':
        return this.#find(request.id)
      case 'count':
        return this.#survey.count(request.filter)
      case 'summary':
        return this.#survey.summary(request.by)
      case 'depth':
        return this.#depth()
      case 'charges':
        return this.#statements.charges.all(request.since) as Charge[]
      case 'outbox':
        return this.#outbox.after(request.after, request.limit)
    }
  }

  #lanes({ now, after, limit }: Extract<ReadRequest, { ask: 'lanes' }>): Lane[] {
    const { readyBeside, readyLater } = this.#statements
    if (after === null) return readyLater.all(beforeAll, now, limit) as Lane[]
    const beside = after.readyAt > now ? [] : (readyBeside.all(after.readyAt, after.key, limit) as Lane[])
    if (beside.length === limit) return beside
    return [...beside, ...(readyLater.all(after.readyAt, now, limit - beside.length) as Lane[])]
  }

  /** Each message once, however many of its recipients stand in the lane: one step of the index for each, not for each recipient. */
  #waiting({ lane, until, after, limit }: Extract<ReadRequest, { ask: 'waiting' }>): WaitingRow[] {
    const { waitingBeside, waitingLater } = this.#statements
    const rows: WaitingRow[] = []
    let last: WaitingPlace = after ?? { dueAt: beforeAll, message: 0 }
    while (rows.length < limit) {
      const next = (waitingBeside.get(lane, last.dueAt, last.message) ?? waitingLater.get(lane, last.dueAt, until)) as
        | WaitingPlace
        | undefined
      if (next === undefined) break
      last = next
      const id = this.#idOf(next.message)
      if (id !== undefined) rows.push({ ...next, id })
    }
    return rows
  }

  /** The id of a message whose page is damaged is still in the index. */
  #idOf(message: number): string | undefined {
    try {
      return this.#statements.idOf.get(message) as string | undefined
    } catch (error) {
      if (!isCorruption(error)) throw error
      return this.#statements.idInIndex.get(message) as string | undefined
    }
  }

  #readable<T>(read: () => T): T | DamageFound {
    try {
      return read()
    } catch (error) {
      if (isCorruption(error)) return { damage: damagedPage }
      throw error
    }
  }

  #message(id: string): MessageRow | DamageFound | null {
    const row = this.#statements.message.get(id) as StoredColumns | undefined
    if (row === undefined || row.state === 'damaged') return null
    const recipients = this.#statements.recipients.all(row.key) as RecipientStateRow[]
    const content = this.#statements.header.get(row.key) as ContentColumns | undefined
    const damage = this.#damageOf(row, recipients, content)
    if (damage !== null) return { damage }
    const { state, reason, holdUntil, holdOwner, holdThen, route, size, permit, envelope, relaxedBodyHash } = row
    const hold = { reason, holdUntil, holdOwner, holdThen }
    const header = content?.header ?? Buffer.alloc(0)
    return { id, state, ...hold, route, size, permit, envelope, relaxedBodyHash, header, recipients }
  }

  #damageOf(
    row: StoredColumns,
    recipients: readonly RecipientStateRow[],
    content: ContentColumns | undefined,
  ): string | null {
    if (!Buffer.isBuffer(content?.header) || !Buffer.isBuffer(row.relaxedBodyHash)) return 'its bytes are missing'
    if (recipients.length !== row.recipients) return 'a recipient is missing'
    const accepted = recipients.map(({ position, localPart, domain, notify, orcpt }): RecipientRow => [
      position,
      localPart,
      domain,
      notify,
      orcpt,
    ])
    const bytes = Buffer.concat([row.relaxedBodyHash, content.header])
    if (checksumOf(row.permit, row.envelope, accepted, bytes) !== row.checksum) {
      return 'its permit, envelope or header section is not what was stored'
    }
    const bodySize = row.bodyFile === null ? (content.inlineSize ?? -1) : sizeOf(join(this.#bodies, row.bodyFile))
    if (bodySize === null) return 'the body file is missing'
    return bodySize === row.bodySize ? null : 'the body has another size than what was stored'
  }

  #body(id: string): ReadAnswers['body'] {
    const row = this.#statements.body.get(id) as BodyColumns | undefined
    if (row === undefined) return null
    const { body, bodySize: size, bodyFile, checksum } = row
    if (bodyFile !== null) return { file: join(this.#bodies, bodyFile), size, checksum }
    if (!Buffer.isBuffer(body)) return { damage: 'its bytes are missing' }
    if (body.length !== size || crc32(body) !== checksum) return { damage: 'the body is not what was stored' }
    return { bytes: body }
  }

  #list(filter: QueueFilter, after: string | null, limit: number): readonly ListedRow[] {
    const wanted: Wanted = { filter, after: after ?? '', limit }
    try {
      return this.#survey.page(wanted).flatMap((id) => this.#listedOrDamaged(id) ?? [])
    } catch (error) {
      if (!isCorruption(error)) throw error
      return this.#listOneByOne(wanted)
    }
  }

  /** The way round a damaged page of an index: the index of ids is read alone, and each message by itself. */
  #listOneByOne(wanted: Wanted): readonly ListedRow[] {
    const rows: ListedRow[] = []
    for (const id of this.#statements.ids.iterate(wanted.after) as Iterable<string>) {
      const row = this.#matches(id, wanted.filter) ? this.#listedOrDamaged(id) : null
      if (row !== null) rows.push(row)
      if (rows.length === wanted.limit) break
    }
    return rows
  }

  /** What cannot be looked at is shown, whatever was asked for. */
  #matches(id: string, filter: QueueFilter): boolean {
    try {
      return this.#survey.matches(id, filter)
    } catch (error) {
      if (isCorruption(error)) return true
      throw error
    }
  }

  #listedOrDamaged(id: string): ListedRow | null {
    try {
      const row = this.#statements.listOne.get(id) as ListedColumns | undefined
      return row === undefined ? null : this.#listed(row)
    } catch (error) {
      if (isCorruption(error)) return unreadable(id)
      throw error
    }
  }

  #find(id: string): ReadAnswers['find'] {
    const row = this.#listedOrDamaged(id)
    if (row === null) return null
    return { row, header: this.#headerOf(id) }
  }

  #headerOf(id: string): Buffer | null {
    try {
      return (this.#statements.headerOfId.get(id) as Buffer | undefined) ?? null
    } catch (error) {
      if (isCorruption(error)) return null
      throw error
    }
  }

  #listed({ key, ...row }: ListedColumns): ListedRow {
    return { ...row, recipients: this.#statements.recipients.all(key) as RecipientStateRow[] }
  }

  #depth(): Depth {
    const count = (statement: Database.Statement): number => (statement.get() as number | null | undefined) ?? 0
    return {
      queued: count(this.#statements.countQueued),
      held: count(this.#statements.countHeld),
      damaged: count(this.#statements.countAside),
      outbox: count(this.#statements.countEvents),
      oldestArrival: (this.#statements.oldest.get() as number | undefined) ?? null,
    }
  }
}

/** Sorts before every moment. */
const beforeAll = Number.MIN_SAFE_INTEGER

function unreadable(id: string): ListedRow {
  return {
    id,
    state: 'damaged',
    reason: damagedPage,
    customer: '',
    source: '',
    domain: '',
    reversePath: '',
    size: 0,
    arrivedAt: 0,
    holdUntil: null,
    holdOwner: null,
    holdThen: null,
    route: null,
    recipients: [],
  }
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null
}

function prepare(db: Database.Database) {
  const listed = `SELECT key, id, state, reason, customer, source, domain, reverse_path AS reversePath, size,
      arrived_at AS arrivedAt, hold_until AS holdUntil, hold_owner AS holdOwner, hold_then AS holdThen, route
    FROM message`
  return {
    begin: db.prepare('BEGIN'),
    // There is nothing to commit, and a transaction that has met a damaged page could not.
    rollback: db.prepare('ROLLBACK'),
    readyBeside: db.prepare(laneQuestions.readyBeside),
    readyLater: db.prepare(laneQuestions.readyLater),
    nextReady: db.prepare(laneQuestions.next).pluck(),
    waitingBeside: db.prepare(laneQuestions.waitingBeside),
    waitingLater: db.prepare(laneQuestions.waitingLater),
    idInIndex: db.prepare('SELECT id FROM message INDEXED BY message_desk WHERE +key = ?').pluck(),
    idOf: db.prepare('SELECT id FROM message WHERE key = ?').pluck(),
    expired: db
      .prepare(`SELECT id FROM message WHERE state = 'held' AND hold_until <= ? ORDER BY hold_until, id LIMIT ?`)
      .pluck(),
    message: db.prepare(
      `SELECT key, id, state, reason, hold_until AS holdUntil, hold_owner AS holdOwner, hold_then AS holdThen, route,
         size, permit, envelope,
         relaxed_body_hash AS relaxedBodyHash, recipients, header_size AS headerSize, body_size AS bodySize,
         body_file AS bodyFile, checksum
       FROM message WHERE id = ?`,
    ),
    recipients: db.prepare(
      `SELECT position, local_part AS localPart, domain, notify, orcpt, state, attempts, due_at AS dueAt,
         last_reply AS lastReply, delay_notified AS delayNotified
       FROM recipient WHERE message = ? ORDER BY position`,
    ),
    header: db.prepare('SELECT header, length(body) AS inlineSize FROM content WHERE message = ?'),
    headerOfId: db
      .prepare('SELECT header FROM message JOIN content ON content.message = message.key WHERE id = ?')
      .pluck(),
    body: db.prepare(
      `SELECT content.body AS body, body_size AS bodySize, body_file AS bodyFile, body_checksum AS checksum
       FROM message LEFT JOIN content ON content.message = message.key WHERE id = ?`,
    ),
    listOne: db.prepare(`${listed} WHERE id = ?`),
    ids: db.prepare('SELECT id FROM message WHERE id > ? ORDER BY id').pluck(),
    countQueued: db.prepare(`SELECT messages FROM tally WHERE state = 'queued'`).pluck(),
    countHeld: db.prepare(`SELECT count(*) FROM message WHERE state = 'held'`).pluck(),
    countAside: db.prepare('SELECT count(*) FROM aside').pluck(),
    countEvents: db.prepare('SELECT max(sequence) - min(sequence) + 1 FROM event').pluck(),
    oldest: db.prepare('SELECT arrived_at FROM message ORDER BY id LIMIT 1').pluck(),
    charges: db.prepare('SELECT key, window, messages, recipients FROM charge WHERE window >= ? ORDER BY window, key'),
  }
}
