import type Database from 'better-sqlite3'
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import { timeOfId } from '../../../standards/names/time-ordered-id.ts'
import { bodyDirectory, isCorruption, isFull, openForWriting, remakeIndexes } from './schema.ts'
import { listBodyFiles } from './body-files.ts'
import {
  type Answered,
  type FromThread,
  type Group,
  type ToThread,
  errorAnswer,
  errorWords,
} from './thread-protocol.ts'
import { type WriteRequest, type WriterOpened, damagedPage } from './wire.ts'
import { type Change, WriterStore } from './writer-store.ts'

/** Moments of a group at which someone may look on. */
export type WriterMoment = 'begun' | 'written' | 'committed'

export type WriterData = { readonly directory: string; readonly sweep: boolean; readonly now: number }

/**
 * The one connection that writes to a shard: each group of requests is one transaction and one wait for the disk.
 * `onMoment` sees each moment of a group pass.
 */
export function runWriter(
  port: MessagePort,
  data: WriterData,
  onMoment: (moment: WriterMoment, db: Database.Database) => void = () => undefined,
): void {
  const send = (message: FromThread<WriterOpened>): void => port.postMessage(message)
  let writer: Writer
  try {
    writer = new Writer(data, onMoment)
  } catch (error) {
    send({ failed: errorWords(error) })
    port.close()
    return
  }
  port.on('message', (message: ToThread<WriteRequest>) => {
    if (message === 'close') {
      writer.close()
      port.close()
      return
    }
    onMoment('begun', writer.db)
    send({ answers: writer.commit(message) })
    writer.removeFiles()
  })
  send({ opened: { aside: writer.aside() } })
}

const nothing = Buffer.alloc(0)

/** A clock is always being put right by a little. */
const clockSlackMs = 5_000

type Part = { readonly request: Change; readonly bytes: Buffer }

function isChange(part: { readonly request: WriteRequest; readonly bytes: Buffer }): part is Part {
  return part.request.ask !== 'remake-indexes'
}

class Writer {
  readonly db: Database.Database
  readonly #store: WriterStore
  readonly #bodies: string
  readonly #onMoment: (moment: WriterMoment, db: Database.Database) => void
  #filesToRemove: string[] = []

  constructor(data: WriterData, onMoment: (moment: WriterMoment, db: Database.Database) => void) {
    this.db = openForWriting(data.directory)
    this.#store = new WriterStore(this.db, data.now)
    this.#bodies = bodyDirectory(data.directory)
    this.#onMoment = onMoment
    if (!data.sweep) return
    this.#sweep()
    this.#hasten(data.now)
  }

  aside(): readonly string[] {
    return this.db.prepare('SELECT id FROM aside').pluck().all() as string[]
  }

  /** One transaction for all; when it fails, one for each, so that only those at fault fail. */
  commit(group: Group<WriteRequest>): readonly Answered[] {
    const parts = group.requests.map((request, index) => ({ request, bytes: bytesOf(group, index) }))
    const changes = parts.filter(isChange)
    const together = this.#attempt(changes)
    const full = together instanceof Error && isFull(together)
    const answers = Array.isArray(together) ? together : changes.map((part) => this.#alone(part, full))
    return parts.map((part) => (isChange(part) ? answers.shift()! : this.#remakeIndexes()))
  }

  removeFiles(): void {
    for (const name of this.#filesToRemove) removeFile(join(this.#bodies, name))
    this.#filesToRemove = []
  }

  close(): void {
    this.db.close()
  }

  /** The answers, or the error for which all of it was rolled back. */
  #attempt(parts: readonly Part[]): Answered[] | Error {
    if (parts.length === 0) return []
    const mark = this.#store.mark()
    try {
      this.db.exec('BEGIN IMMEDIATE')
      const answers = parts.map(({ request, bytes }) => ({ value: this.#store.apply(request, bytes) }))
      this.#onMoment('written', this.db)
      this.db.exec('COMMIT')
      this.#filesToRemove.push(...this.#store.takeRemovedFiles())
      this.#onMoment('committed', this.db)
      return answers
    } catch (error) {
      if (this.db.inTransaction) this.db.exec('ROLLBACK')
      this.#store.rewind(mark)
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #alone(part: Part, full: boolean): Answered {
    const { request } = part
    if (full && request.ask === 'accept') return { value: 'storage-full' }
    const done = this.#attempt([part])
    if (Array.isArray(done)) return done[0]!
    if (isFull(done) && request.ask === 'accept') return { value: 'storage-full' }
    return isCorruption(done) && 'id' in request ? this.#damaged(request, part.bytes, done) : errorAnswer(done)
  }

  /** What a change does when it meets a damaged page: its message is set aside; what a settlement brings besides is kept. */
  #damaged(request: Extract<Change, { readonly id: string }>, bytes: Buffer, error: Error): Answered {
    if (request.ask === 'set-aside') return this.#setAside(request.id, request.what, [])
    const besides: Part[] = []
    if (request.ask === 'settle') {
      besides.push({ request: { ask: 'record', events: request.events }, bytes })
      for (const entry of request.follow) besides.push({ request: { ask: 'accept', entry, events: [] }, bytes })
    }
    const done = this.#setAside(request.id, damagedPage, besides)
    if ('error' in done) return errorAnswer(error)
    return request.ask === 'settle' ? { value: { unused: [], aside: true } } : errorAnswer(error, request.id)
  }

  /** A transaction that has met a damaged page cannot commit, so the second try keeps away from the message's own page. */
  #setAside(id: string, what: string, besides: readonly Part[]): Answered {
    let answer: Answered = { value: false }
    for (const blind of [false, true]) {
      const request = { ask: 'set-aside', id, what, at: Date.now(), blind } as const
      const done = this.#attempt([{ request, bytes: nothing }, ...besides])
      if (Array.isArray(done)) return done[0]!
      answer = errorAnswer(done)
      if (!isCorruption(done)) break
    }
    return answer
  }

  #remakeIndexes(): Answered {
    try {
      remakeIndexes(this.db)
      this.#store.forgetLanes()
      return { value: null }
    } catch (error) {
      return errorAnswer(error)
    }
  }

  /**
   * Ids tell when they were made: one from the future says that the clock was set back while nobody looked. Then what is queued comes
   * due by that much earlier, once too early rather than an hour late.
   */
  #hasten(now: number): void {
    const newest = this.db.prepare(`SELECT max(id) FROM message`).pluck().get() as string | null
    const ahead = newest === null ? 0 : timeOfId(newest) - now
    if (ahead < clockSlackMs) return
    this.#attempt([{ request: { ask: 'hasten', by: ahead }, bytes: nothing }])
  }

  /** Body files without a row are what a crash left between the file and its commit, or after a removal. */
  #sweep(): void {
    const rowOf = this.db.prepare('SELECT body_file FROM message WHERE id = ?').pluck()
    for (const { name, id } of listBodyFiles(this.#bodies)) {
      if (!this.#isNamed(rowOf, id, name)) removeFile(join(this.#bodies, name))
    }
  }

  /** A row that cannot be read may still name the file. */
  #isNamed(rowOf: Database.Statement, id: string, name: string): boolean {
    try {
      return rowOf.get(id) === name
    } catch (error) {
      if (isCorruption(error)) return true
      throw error
    }
  }
}

function bytesOf(group: Group<WriteRequest>, index: number): Buffer {
  if (group.bytes === null) return nothing
  const base = group.bases[index] ?? 0
  const { buffer, byteOffset, byteLength } = group.bytes
  return Buffer.from(buffer, byteOffset + base, byteLength - base)
}

/** A file that cannot be removed now is swept at the next open. */
function removeFile(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    return
  }
}
