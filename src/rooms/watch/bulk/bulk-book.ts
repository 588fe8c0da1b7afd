import type { Kysely, Transaction } from 'kysely'
import { newTo } from '../../../platform/sql-progress.ts'
import type { StoredEvent } from '../../ledger/index.ts'
import { type BigReceiver, bulkThreshold } from './big-receivers.ts'
import { type Mailing, mailingOf } from './mailing.ts'
import { ShapeCounts } from './shapes.ts'
import type { BulkTables } from './tables.ts'

const dayMs = 86_400_000
/** A finding closes when nothing gave rise to it for this long, in milliseconds. */
const closesAfter = 7 * dayMs

/** One fault of a customer's mail, in the form of the contract. */
export type Finding = {
  readonly id: string
  readonly rule: 'bulk-without-one-click'
  readonly severity: 'medium'
  readonly customer: string
  /** The source. */
  readonly subject: string
  readonly evidence: {
    readonly messages: number
    readonly why: string
    readonly lacks: string
    readonly sample: string
  }
  /** Milliseconds since the epoch. */
  readonly firstSeen: number
  readonly lastSeen: number
  readonly state: 'open' | 'closed'
}

/** What a domain sends to a big receiver beside what that asks more for. */
export type BulkVolume = {
  readonly domain: string
  readonly receiver: BigReceiver
  readonly today: number
  readonly highest: number
  /** The day of it, its start in UTC in milliseconds since the epoch. */
  readonly highestDay: number
  readonly threshold: number
}

export interface BulkBook {
  /** Counts what the ledger took, each event once however often it is handed over. */
  take(this: void, events: readonly StoredEvent[]): Promise<void>
  volumes(customer: string, now: number): Promise<readonly BulkVolume[]>
  /** Open ones first, then by when they were last seen. */
  findings(customer: string | null): Promise<readonly Finding[]>
  /** Closes what nothing gave rise to for a week. */
  closeOld(now: number): Promise<void>
}

/** The store must have been brought up to date by `migrateBulk`. */
export function openBulkBook<Tables>(store: Kysely<Tables>): BulkBook {
  const db = store as unknown as Kysely<BulkTables>
  const shapes = new ShapeCounts()
  return {
    take: async (events) => {
      const told = events.flatMap((event) => {
        const mailing = mailingOf(event)
        return mailing === null ? [] : [{ event, mailing }]
      })
      if (told.length === 0) return
      await db.transaction().execute(async (tx) => {
        const counted = told.map(({ event }) => event)
        const fresh = new Set(await newTo(tx, 'bulk_progress', counted))
        const mailings = told.filter(({ event }) => fresh.has(event)).map(({ mailing }) => mailing)
        await countVolumes(tx, mailings)
        await noteFaults(tx, mailings, shapes)
      })
    },
    volumes: async (customer, now) => {
      const rows = await db
        .selectFrom('bulk_volume')
        .selectAll()
        .where('customer', '=', customer)
        .orderBy('domain')
        .execute()
      const today = startOfDay(now)
      return rows.map((row) => ({
        domain: row.domain,
        receiver: row.receiver as BigReceiver,
        today: row.day === today ? row.messages : 0,
        highest: row.highest,
        highestDay: row.highest_day,
        threshold: bulkThreshold,
      }))
    },
    findings: async (customer) => {
      const all = db.selectFrom('finding').selectAll()
      const query = customer === null ? all : all.where('customer', '=', customer)
      const rows = await query.orderBy('state', 'desc').orderBy('last_seen', 'desc').limit(1000).execute()
      return rows.map(findingOf)
    },
    closeOld: async (now) => {
      await db
        .updateTable('finding')
        .set({ state: 'closed' })
        .where('state', '=', 'open')
        .where('last_seen', '<', now - closesAfter)
        .execute()
    },
  }
}

async function countVolumes(tx: Transaction<BulkTables>, mailings: readonly Mailing[]): Promise<void> {
  const counts = new Map<string, { readonly of: readonly [string, string, BigReceiver, number]; messages: number }>()
  for (const { customer, domain, at, atBig } of mailings) {
    for (const [receiver, count] of atBig) {
      const of = [customer, domain, receiver, startOfDay(at)] as const
      const known = counts.get(of.join(' ')) ?? { of, messages: 0 }
      known.messages += count
      counts.set(of.join(' '), known)
    }
  }
  for (const { of, messages } of counts.values()) {
    const [customer, domain, receiver, day] = of
    const key = { customer, domain, receiver }
    const before = await tx
      .selectFrom('bulk_volume')
      .selectAll()
      .where('customer', '=', customer)
      .where('domain', '=', domain)
      .where('receiver', '=', receiver)
      .executeTakeFirst()
    const total = messages + (before?.day === day ? before.messages : 0)
    const isHighest = before === undefined || total > before.highest
    const row = {
      ...(before !== undefined && before.day > day
        ? { day: before.day, messages: before.messages }
        : { day, messages: total }),
      highest: isHighest ? total : before.highest,
      highest_day: isHighest ? day : before.highest_day,
    }
    await tx
      .insertInto('bulk_volume')
      .values({ ...key, ...row })
      .onConflict((conflict) => conflict.columns(['customer', 'domain', 'receiver']).doUpdateSet(row))
      .execute()
  }
}

/** Bulk mail whose reader cannot leave with one click: by its marks, or by how much of it there is. */
async function noteFaults(
  tx: Transaction<BulkTables>,
  mailings: readonly Mailing[],
  shapes: ShapeCounts,
): Promise<void> {
  const faults = mailings.flatMap((mailing) => {
    const isMailing = shapes.isMailing(mailing)
    if (mailing.oneClick === 'yes' || !(mailing.marked || isMailing)) return []
    return [{ mailing, why: mailing.marked ? 'it is marked as a mailing' : 'so many of one kind went out in a day' }]
  })
  for (const [, own] of Map.groupBy(faults, ({ mailing }) => `${mailing.customer} ${mailing.source}`)) {
    const last = own.at(-1)
    if (last === undefined) continue
    const { customer, source, at, id: sample, oneClick } = last.mailing
    const id = `bulk-without-one-click/${customer}/${source}`
    const before = await tx.selectFrom('finding').selectAll().where('id', '=', id).executeTakeFirst()
    const goesOn = before !== undefined && before.state === 'open'
    const messages = own.length + (goesOn ? findingOf(before).evidence.messages : 0)
    const evidence = JSON.stringify({ messages, why: last.why, lacks: lacking[oneClick] ?? oneClick, sample })
    const row = { evidence, first_seen: goesOn ? before.first_seen : at, last_seen: at, state: 'open' }
    await tx
      .insertInto('finding')
      .values({ id, rule: 'bulk-without-one-click', severity: 'medium', customer, subject: source, ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute()
  }
}

const lacking: { readonly [oneClick: string]: string } = {
  none: 'List-Unsubscribe and List-Unsubscribe-Post (RFC 8058)',
  'no-https': 'an https address in List-Unsubscribe, which must be there once (RFC 8058 §3.1)',
  'no-post': 'List-Unsubscribe-Post: List-Unsubscribe=One-Click (RFC 8058 §3.1)',
}

function findingOf(row: BulkTables['finding']): Finding {
  return {
    id: row.id,
    rule: 'bulk-without-one-click',
    severity: 'medium',
    customer: row.customer,
    subject: row.subject,
    evidence: JSON.parse(row.evidence) as Finding['evidence'],
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    state: row.state as Finding['state'],
  }
}

function startOfDay(moment: number): number {
  return Math.floor(moment / dayMs) * dayMs
}
