import type { Clock } from '../../../platform/clock.ts'
import type { HeldLock } from '../../../platform/lock.ts'
import type { Log } from '../../../platform/log.ts'
import type { LedgerEvent, StoredEvent } from '../../../rooms/ledger/index.ts'
import type { DecisionId } from '../../decision/decision.ts'
import type {
  AcceptResult,
  Charge,
  Custody,
  Depth,
  DueMessage,
  Entry,
  Hold,
  Lane,
  LaneRest,
  ManualRoute,
  Outcome,
  QueueDetail,
  QueueFilter,
  QueueGroup,
  QueueGrouping,
  QueueRow,
  StateCounts,
  StoredMessage,
} from '../custody.ts'
import { CustodyError } from '../custody-error.ts'
import { type BodyFile, inlineBodyLimit, pieceSize, readBodyFile, removeBodyFile, writeBodyFile } from './body-files.ts'
import { asBuffer, bodySize, entryBytes, entryRow, eventRow, outcomeRow, queueRow, storedMessage } from './encode.ts'
import type { FreeSpace } from './free-space.ts'
import { bodyDirectory } from './schema.ts'
import type { ThreadClient } from './thread-client.ts'
import {
  type ReadAnswers,
  type ReadRequest,
  type WaitingPlace,
  type WaitingRow,
  type WriteAnswers,
  type WriteRequest,
  type WriterOpened,
  damagedPage,
} from './wire.ts'

/** Events that may wait to be written before `record` refuses more. */
const recordLimit = 10_000

/** How often at most a damaged index is built again. */
const repairEveryMs = 60_000

const nobody: ReadonlySet<string> = new Set()

export type CustodyParts = {
  readonly directory: string
  readonly writer: ThreadClient<WriteRequest, WriterOpened>
  readonly reader: ThreadClient<ReadRequest, null>
  /** Reads too, for what people ask of the whole queue: delivery never waits behind it. Opened by the first such question. */
  readonly surveyor: ThreadClient<ReadRequest, null>
  readonly space: FreeSpace
  readonly lock: HeldLock
  /** Ids of messages that were set aside; grows as more are found. */
  readonly aside: Set<string>
  readonly clock: Clock
  readonly log: Log
}

/** Custody in an SQLite shard. All waiting for the disk is done by two threads, one that writes and one that reads. */
export class SqliteCustody implements Custody {
  readonly #parts: CustodyParts
  readonly #bodies: string
  readonly #arriving = new Set<Promise<unknown>>()
  #recording = 0
  #trimmedThrough = 0
  #repairedAt = Number.NEGATIVE_INFINITY
  #surveyorOpened: Promise<void> | null = null

  constructor(parts: CustodyParts) {
    this.#parts = parts
    this.#bodies = bodyDirectory(parts.directory)
  }

  hasRoom(): boolean {
    return this.#parts.space.hasRoom()
  }

  accept(entry: Entry, events: readonly LedgerEvent[]): Promise<AcceptResult> {
    return this.#during(this.#accept(entry, events))
  }

  async #accept(entry: Entry, events: readonly LedgerEvent[]): Promise<AcceptResult> {
    if (!this.hasRoom()) return 'storage-full'
    let bodyFile: BodyFile | null
    try {
      bodyFile = await this.#fileFor(entry)
    } catch (error) {
      if (!isNoSpace(error)) throw diskError(error)
      this.#parts.space.foundFull()
      return 'storage-full'
    }
    const row = entryRow(entry, 0, bodyFile)
    const request = { ask: 'accept', entry: row, events: events.map(eventRow) } as const
    const result = await this.#keepingFiles([bodyFile], () =>
      this.#mending(() => this.#write(request, entryBytes(entry, bodyFile))),
    )
    if (result === 'storage-full') {
      this.#parts.space.foundFull()
      await this.#removeFiles([bodyFile])
    }
    return result
  }

  async record(events: readonly LedgerEvent[]): Promise<void> {
    if (this.#recording + events.length > recordLimit) {
      throw new CustodyError('busy', 'too many events wait to be written')
    }
    if (!this.#parts.space.hasRoomToRecord()) {
      throw new CustodyError('busy', 'the rest of the disk is kept for settling what was accepted')
    }
    this.#recording += events.length
    try {
      await this.#write({ ask: 'record', events: events.map(eventRow) })
    } finally {
      this.#recording -= events.length
    }
  }

  readyLanes(now: number, after: Lane | null, limit: number): Promise<readonly Lane[]> {
    return this.#schedule({ ask: 'lanes', now, after, limit })
  }

  nextReady(now: number): Promise<number | null> {
    return this.#schedule({ ask: 'next-ready', now })
  }

  async dueIn(
    lane: Lane,
    until: number,
    limit: number,
    leased: ReadonlySet<DecisionId>,
  ): Promise<readonly DueMessage[]> {
    const found: DueMessage[] = []
    let after: WaitingPlace | null = null
    while (found.length < limit) {
      const wanted = limit - found.length
      const rows: readonly WaitingRow[] = await this.#schedule({
        ask: 'waiting',
        lane: lane.key,
        until,
        after,
        limit: wanted,
      })
      for (const { id, dueAt } of rows) if (this.#isFree(id, leased)) found.push({ id: id as DecisionId, dueAt })
      after = rows.at(-1) ?? null
      if (rows.length < wanted) break
    }
    return found
  }

  async rest(lanes: readonly LaneRest[]): Promise<void> {
    if (lanes.length > 0) await this.#write({ ask: 'rest', lanes })
  }

  async expiredHolds(now: number, limit: number): Promise<readonly DecisionId[]> {
    const ids = await this.#schedule({ ask: 'expired-holds', now, limit: limit + this.#parts.aside.size })
    return ids.filter((id) => this.#isFree(id, nobody)).slice(0, limit) as DecisionId[]
  }

  async read(id: DecisionId): Promise<StoredMessage | null> {
    if (this.#parts.aside.has(id)) return null
    const found = await this.#read({ ask: 'message', id })
    if (found === null) return null
    if (!('damage' in found)) return storedMessage(found)
    await this.#setAside(id, found.damage)
    return null
  }

  async *readBody(id: DecisionId): AsyncGenerator<Buffer, void> {
    const found = await this.#read({ ask: 'body', id })
    if (found === null) throw new CustodyError('damaged', 'the message is not in custody')
    if ('bytes' in found) {
      const body = asBuffer(found.bytes)
      for (let at = 0; at < body.length; at += pieceSize) yield body.subarray(at, at + pieceSize)
      return
    }
    const damage = 'damage' in found ? found.damage : yield* readBodyFile(found.file, found.size, found.checksum)
    if (damage === null) return
    await this.#setAside(id, damage)
    throw new CustodyError('damaged', damage)
  }

  settle(
    id: DecisionId,
    outcomes: readonly Outcome[],
    follow: readonly Entry[],
    events: readonly LedgerEvent[],
  ): Promise<void> {
    return this.#during(this.#settle(id, outcomes, follow, events))
  }

  async #settle(
    id: DecisionId,
    outcomes: readonly Outcome[],
    follow: readonly Entry[],
    events: readonly LedgerEvent[],
  ): Promise<void> {
    const files: (BodyFile | null)[] = []
    const bytes: Buffer[] = []
    let at = 0
    const settled = await this.#sparingRepeats(id, files, async () => {
      const rows = []
      for (const entry of follow) {
        const bodyFile = await this.#fileFor(entry)
        files.push(bodyFile)
        rows.push(entryRow(entry, at, bodyFile))
        for (const piece of entryBytes(entry, bodyFile)) {
          bytes.push(piece)
          at += piece.length
        }
      }
      return this.#write(
        { ask: 'settle', id, outcomes: outcomes.map(outcomeRow), follow: rows, events: events.map(eventRow) },
        bytes,
      )
    })
    if (settled.aside) this.#foundDamaged(id, damagedPage)
    for (const name of settled.unused) await removeBodyFile(this.#bodies, name)
  }

  hold(id: DecisionId, hold: Hold, events: readonly LedgerEvent[]): Promise<boolean> {
    return this.#move({ ask: 'hold', id, hold, events: events.map(eventRow) })
  }

  hurry(id: DecisionId, events: readonly LedgerEvent[]): Promise<boolean> {
    return this.#move({ ask: 'hurry', id, dueAt: this.#parts.clock.now(), events: events.map(eventRow) })
  }

  reroute(id: DecisionId, route: ManualRoute | null, events: readonly LedgerEvent[]): Promise<boolean> {
    const text = route === null ? null : JSON.stringify(route)
    return this.#move({
      ask: 'reroute',
      id,
      route: text,
      dueAt: this.#parts.clock.now(),
      events: events.map(eventRow),
    })
  }

  release(id: DecisionId, events: readonly LedgerEvent[]): Promise<boolean> {
    return this.#move({ ask: 'release', id, dueAt: this.#parts.clock.now(), events: events.map(eventRow) })
  }

  /** One that turns out to be damaged is set aside by the attempt, so it is in no state that could be moved. */
  async #move(
    request: Extract<WriteRequest, { readonly ask: 'hold' | 'hurry' | 'reroute' | 'release' }>,
  ): Promise<boolean> {
    try {
      return await this.#write(request)
    } catch (error) {
      if (!(error instanceof CustodyError && error.kind === 'damaged')) throw error
      this.#foundDamaged(request.id as DecisionId, damagedPage)
      return false
    }
  }

  async list(filter: QueueFilter, after: DecisionId | null, limit: number): Promise<readonly QueueRow[]> {
    return (await this.#survey({ ask: 'list', filter, after, limit })).map((row) => this.#shown(queueRow(row)))
  }

  count(filter: QueueFilter): Promise<StateCounts> {
    return this.#survey({ ask: 'count', filter })
  }

  summary(by: QueueGrouping): Promise<readonly QueueGroup[]> {
    return this.#survey({ ask: 'summary', by })
  }

  async find(id: DecisionId): Promise<QueueDetail | null> {
    const found = await this.#read({ ask: 'find', id })
    if (found === null) return null
    return { ...this.#shown(queueRow(found.row)), header: found.header === null ? null : asBuffer(found.header) }
  }

  depth(): Promise<Depth> {
    return this.#read({ ask: 'depth' })
  }

  charges(since: number): Promise<readonly Charge[]> {
    return this.#read({ ask: 'charges', since })
  }

  async hasten(byMs: number): Promise<void> {
    await this.#write({ ask: 'hasten', by: Math.ceil(byMs) })
  }

  async charge(charges: readonly Charge[]): Promise<void> {
    await this.#write({ ask: 'charge', charges })
  }

  outboxAfter(sequence: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#read({ ask: 'outbox', after: sequence, limit })
  }

  async trimOutbox(throughSequence: number): Promise<void> {
    if (throughSequence <= this.#trimmedThrough) return
    await this.#write({ ask: 'trim', through: throughSequence })
    this.#trimmedThrough = throughSequence
  }

  /** The writer goes last: only a connection that may write can move the write-ahead log into the database. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#arriving)
    await this.#parts.reader.close()
    await this.#surveyorOpened?.catch(() => {})
    await this.#parts.surveyor.close()
    await this.#parts.writer.close()
    this.#parts.space.stop()
    this.#parts.lock.release()
  }

  /** A page that holds the row may not take the state; what was set aside is shown as damaged all the same. */
  #shown(row: QueueRow): QueueRow {
    return this.#parts.aside.has(row.id) ? { ...row, state: 'damaged' } : row
  }

  #isFree(id: string, leased: ReadonlySet<string>): boolean {
    return !leased.has(id) && !this.#parts.aside.has(id)
  }

  async #setAside(id: DecisionId, what: string): Promise<void> {
    this.#parts.aside.add(id)
    if (await this.#write({ ask: 'set-aside', id, what, at: this.#parts.clock.now(), blind: false })) {
      this.#foundDamaged(id, what)
    }
  }

  /** It must not come due again, whatever its row says. */
  #foundDamaged(id: DecisionId, what: string): void {
    this.#parts.aside.add(id)
    this.#parts.log.error('a message in custody is damaged and was set aside', { id, what })
  }

  #schedule<R extends ReadRequest>(request: R): Promise<ReadAnswers[R['ask']]> {
    return this.#mending(() => this.#read(request))
  }

  /** What is due is answered from indexes and lanes alone; what is damaged of them can be made again from the messages. */
  async #mending<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      const now = performance.now()
      if (!isCorrupt(error) || now - this.#repairedAt < repairEveryMs) throw error
      this.#repairedAt = now
      this.#parts.log.error('the schedule of custody is damaged and is made again', { error })
      await this.#write({ ask: 'remake-indexes' })
      return ask()
    }
  }

  #write<R extends WriteRequest>(request: R, bytes: readonly Buffer[] = []): Promise<WriteAnswers[R['ask']]> {
    return this.#parts.writer.ask(request, bytes) as Promise<WriteAnswers[R['ask']]>
  }

  #read<R extends ReadRequest>(request: R): Promise<ReadAnswers[R['ask']]> {
    return this.#parts.reader.ask(request) as Promise<ReadAnswers[R['ask']]>
  }

  async #survey<R extends ReadRequest>(request: R): Promise<ReadAnswers[R['ask']]> {
    const { surveyor } = this.#parts
    this.#surveyorOpened ??= surveyor.open().catch((error: unknown) => {
      this.#surveyorOpened = null
      throw error
    })
    await this.#surveyorOpened
    return surveyor.ask(request) as Promise<ReadAnswers[R['ask']]>
  }

  async #fileFor(entry: Entry): Promise<BodyFile | null> {
    return bodySize(entry) > inlineBodyLimit ? writeBodyFile(this.#bodies, entry.id, entry.body) : null
  }

  /** Removes the files of a write that failed. When the thread died the rows may be there: then the next open sweeps. */
  async #keepingFiles<T>(files: readonly (BodyFile | null)[], write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof CustodyError && error.kind === 'unavailable')) await this.#removeFiles(files)
      throw error instanceof CustodyError ? error : diskError(error)
    }
  }

  /** A message whose outcome cannot be written at all must not be sent again and again by this process. */
  async #sparingRepeats<T>(id: DecisionId, files: readonly (BodyFile | null)[], write: () => Promise<T>): Promise<T> {
    try {
      return await this.#keepingFiles(files, write)
    } catch (error) {
      if (isCorrupt(error)) this.#foundDamaged(id, damagedPage)
      throw error
    }
  }

  async #removeFiles(files: readonly (BodyFile | null)[]): Promise<void> {
    for (const file of files) if (file !== null) await removeBodyFile(this.#bodies, file.name)
  }

  /** Keeps `close` waiting for what has begun. */
  #during<T>(work: Promise<T>): Promise<T> {
    const ended = work.finally(() => this.#arriving.delete(ended))
    this.#arriving.add(ended)
    return ended
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof CustodyError && error.code?.startsWith('SQLITE_CORRUPT') === true
}

function isNoSpace(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}

function diskError(error: unknown): CustodyError {
  const code = (error as { code?: unknown } | null)?.code
  const message = error instanceof Error ? error.message : String(error)
  return new CustodyError('disk', message, typeof code === 'string' ? code : null, error)
}
