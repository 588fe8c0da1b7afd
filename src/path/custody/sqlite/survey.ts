import type Database from 'better-sqlite3'
import type { QueueFilter, QueueGroup, QueueGrouping, StateCounts } from '../custody.ts'

export type Wanted = { readonly filter: QueueFilter; readonly after: string; readonly limit: number }

/** A queue with more groups than this is told by its largest. */
const mostGroups = 10_000

/** More names than this are not told apart while they are counted: a hostile peer may answer each recipient differently. */
const mostNames = 200_000

const theRest = '(others)'

/**
 * What people ask of the whole queue. It is answered from the index `message_desk` and from the recipients, never from permits, header
 * sections or bodies.
 */
export class Survey {
  readonly #db: Database.Database
  readonly #prepared = new Map<string, Database.Statement>()

  constructor(db: Database.Database) {
    this.#db = db
  }

  /** Ids of the messages that the filter names, in order. */
  page({ filter, after, limit }: Wanted): readonly string[] {
    const statement = this.#statement(
      `SELECT id FROM message WHERE id > @after${termsOf(filter)} ORDER BY id LIMIT @limit`,
    )
    return statement.pluck().all({ ...filter, after, limit }) as string[]
  }

  matches(id: string, filter: QueueFilter): boolean {
    const statement = this.#statement(`SELECT 1 FROM message WHERE id = @id${termsOf(filter)}`)
    return statement.get({ ...filter, id }) !== undefined
  }

  count(filter: QueueFilter): StateCounts {
    const statement = this.#statement(
      `SELECT state, count(*) AS messages FROM message WHERE true${termsOf(filter)} GROUP BY state`,
    )
    const rows = statement.all({ ...filter }) as { readonly state: string; readonly messages: number }[]
    const of = (state: string): number => rows.find((row) => row.state === state)?.messages ?? 0
    return { queued: of('queued'), held: of('held'), damaged: of('damaged') }
  }

  summary(by: QueueGrouping): readonly QueueGroup[] {
    const tally = new Tally()
    if (by === 'customer' || by === 'source') this.#tallyMessages(by, tally)
    else this.#tallyRecipients(by, tally)
    const arrival = this.#statement('SELECT arrived_at FROM message WHERE key = ?').pluck()
    return tally.largest((key) => (arrival.get(key) as number | undefined) ?? null)
  }

  #tallyMessages(by: 'customer' | 'source', tally: Tally): void {
    const rows = this.#statement(`SELECT key, ${by}, state, due_at, pending FROM message ORDER BY id`).raw()
    type Row = [key: number, name: string, state: string, dueAt: number | null, pending: number]
    for (const [key, name, state, dueAt, pending] of rows.iterate() as Iterable<Row>) {
      tally.add(name, key, pending, state === 'queued' ? dueAt : null)
    }
  }

  /** Recipients stand in the order of their messages, so those that wait for a person are met on the way. */
  #tallyRecipients(by: 'destination' | 'reason', tally: Tally): void {
    const resting = this.#resting()
    let next = 0
    const rows = this.#statement(
      `SELECT message, ${by === 'destination' ? 'domain' : 'last_reply'}, due_at FROM recipient
       WHERE state = 'pending' ORDER BY message`,
    ).raw()
    for (const [key, text, dueAt] of rows.iterate() as Iterable<[key: number, text: string | null, dueAt: number]>) {
      while ((resting[next]?.key ?? Infinity) < key) next++
      const rests = resting[next]?.key === key ? resting[next] : undefined
      const name = by === 'destination' ? (text ?? '') : (rests?.reason ?? said(text))
      tally.add(name, key, 1, rests === undefined ? dueAt : null)
    }
  }

  #resting(): readonly { readonly key: number; readonly reason: string | null }[] {
    return this.#statement(`SELECT key, reason FROM message WHERE state <> 'queued' ORDER BY key`).all() as {
      readonly key: number
      readonly reason: string | null
    }[]
  }

  #statement(sql: string): Database.Statement {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const fresh = this.#db.prepare(sql)
    this.#prepared.set(sql, fresh)
    return fresh
  }
}

type Counted = { messages: number; recipients: number; held: number; first: number; last: number; nextDue: number }

class Tally {
  readonly #groups = new Map<string, Counted>()

  /** `dueAt` null: it waits for a person. Messages come one after the other, each with all its recipients of a name in one go or several. */
  add(name: string, key: number, recipients: number, dueAt: number | null): void {
    const group = this.#groupOf(name, key)
    group.recipients += recipients
    if (group.last !== key) {
      group.last = key
      group.messages++
      if (dueAt === null) group.held++
    }
    if (dueAt !== null && dueAt < group.nextDue) group.nextDue = dueAt
  }

  largest(arrivalOf: (key: number) => number | null): readonly QueueGroup[] {
    return [...this.#groups]
      .toSorted(([a, one], [b, other]) => other.messages - one.messages || (a < b ? -1 : 1))
      .slice(0, mostGroups)
      .map(([name, { messages, recipients, held, first, nextDue }]) => ({
        name,
        messages,
        recipients,
        held,
        oldestArrival: arrivalOf(first),
        nextDue: nextDue === Infinity ? null : nextDue,
      }))
  }

  #groupOf(name: string, key: number): Counted {
    const group = this.#groups.get(name)
    if (group !== undefined) return group
    if (this.#groups.size >= mostNames && name !== theRest) return this.#groupOf(theRest, key)
    const fresh = { messages: 0, recipients: 0, held: 0, first: key, last: -1, nextDue: Infinity }
    this.#groups.set(name, fresh)
    return fresh
  }
}

/** A reply without what differs from message to message: addresses, identifiers, times. */
function said(reply: string | null): string {
  if (reply === null) return 'not tried yet'
  return reply
    .slice(0, 300)
    .replace(/<[^>]*>|\S*@\S*/g, '…')
    .replace(/\(?[\w.:/-]*\d[\w.:/-]{7,}\)?/g, '…')
    .slice(0, 100)
}

/** The conditions of a filter, to be put behind another one. */
function termsOf(filter: QueueFilter): string {
  return (Object.keys(filter) as (keyof QueueFilter)[])
    .filter((name) => filter[name] !== undefined)
    .map((name) => ` AND ${terms[name]}`)
    .join('')
}

const terms: { readonly [name in keyof QueueFilter]-?: string } = {
  customer: 'customer = @customer',
  domain: 'domain = @domain',
  source: 'source = @source',
  destination: 'key IN (SELECT message FROM recipient WHERE domain = @destination)',
  reason: `(instr(reason, @reason) > 0 OR key IN (SELECT message FROM recipient WHERE instr(last_reply, @reason) > 0))`,
  state: 'state = @state',
  arrivedBefore: 'arrived_at <= @arrivedBefore',
}
