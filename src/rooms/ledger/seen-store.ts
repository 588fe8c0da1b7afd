import Database from 'better-sqlite3'
import type { Log } from '../../platform/log.ts'
import { isDamage, moveIfThere } from './day-files.ts'
import type { StoredEvent } from './event.ts'
import { type Named, type Sighting, nameOf, seenId, sightingOf } from './sighting.ts'

/** Who was seen sending for whom, taken or refused. Times are ISO 8601. */
export type SeenRow = {
  readonly id: string
  readonly customer: string | null
  readonly kind: string
  readonly tenant: string | null
  /** All originators under which this tenant was seen, for whichever customer. */
  readonly tenantDomains: readonly string[]
  readonly originator: string | null
  readonly class: string | null
  readonly connectingHost: string | null
  readonly authorDomains: readonly string[]
  readonly count: number
  readonly firstSeen: string
  readonly lastSeen: string
  /** Decision ids, newest first. */
  readonly samples: readonly string[]
  /** How often which rule refused or deferred it. */
  readonly refusedBy: { readonly [rule: string]: number }
  readonly relation: 'own' | 'related' | 'unknown'
}

const samplesKept = 5
const authorDomainsKept = 20
/** Rows of one customer and kind; what is new beyond counts in one row that names no tenant and no host. */
const rowsKept = 5_000

const schema = `
  CREATE TABLE seen (
    id TEXT PRIMARY KEY,
    customer TEXT,
    kind TEXT NOT NULL,
    tenant TEXT,
    originator TEXT,
    class TEXT,
    connecting_host TEXT,
    author_domains TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    samples TEXT NOT NULL,
    refused_by TEXT NOT NULL,
    relation TEXT NOT NULL
  );
  CREATE INDEX seen_customer ON seen (customer, kind, last_seen);
  CREATE INDEX seen_tenant ON seen (tenant, originator);
  CREATE TABLE progress (
    shard INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
  );
  PRAGMA user_version = 1;
`

type SeenColumns = {
  readonly id: string
  readonly customer: string | null
  readonly kind: string
  readonly tenant: string | null
  readonly originator: string | null
  readonly class: string | null
  readonly connectingHost: string | null
  readonly authorDomains: string
  readonly count: number
  readonly firstSeen: number
  readonly lastSeen: number
  readonly samples: string
  readonly refusedBy: string
  readonly relation: SeenRow['relation']
}

const columns = `id, customer, kind, tenant, originator, class, connecting_host AS connectingHost,
  author_domains AS authorDomains, count, first_seen AS firstSeen, last_seen AS lastSeen, samples,
  refused_by AS refusedBy, relation`

/**
 * The aggregate of sightings, and how far each shard's outbox was taken: both in one transaction, so that no event counts
 * twice and none is left out.
 */
export class SeenStore {
  readonly #db: Database.Database
  readonly #statements: ReturnType<typeof prepare>
  /** Rows for each customer and kind; after a rollback a few too many, which only ends them sooner. */
  readonly #rows = new Map<string, number>()

  constructor(file: string, log: Log) {
    this.#db = openOrBeginAnew(file, log)
    this.#statements = prepare(this.#db)
  }

  /** The highest sequence number of a shard that was taken; 0 when none was. */
  progress(shard: number): number {
    return (this.#statements.progress.get(shard) as number | undefined) ?? 0
  }

  /** Counts those of a shard's events that were not counted before, and remembers the last. On disk when it returns. */
  take(shard: number, events: readonly StoredEvent[]): void {
    this.#db
      .transaction(() => {
        const before = this.progress(shard)
        const rows = new Map<string, CountedRow>()
        let last = before
        for (const event of events) {
          if (event.sequence <= before) continue
          last = Math.max(last, event.sequence)
          const sighting = sightingOf(event)
          if (sighting !== null) count(sighting, this.#rowOf(sighting, rows))
        }
        for (const row of new Set(rows.values())) this.#write(row)
        this.#statements.setProgress.run(shard, last)
      })
      .immediate()
  }

  /** Newest first; of one customer, or of all. */
  list(customer: string | null): readonly SeenRow[] {
    const rows = (
      customer === null ? this.#statements.all.all() : this.#statements.ofCustomer.all(customer)
    ) as SeenColumns[]
    return rows.map((row) => this.#shown(row))
  }

  close(): void {
    this.#db.close()
  }

  /** The row that a sighting counts in, read when it is first needed. `rows` holds those of this transaction by the six fields that name them. */
  #rowOf(sighting: Sighting, rows: Map<string, CountedRow>): CountedRow {
    const name = nameOf(sighting)
    const known = rows.get(name)
    if (known !== undefined) return known
    const before = this.#statements.one.get(seenId(sighting)) as SeenColumns | undefined
    const row =
      before === undefined && !this.#hasRoomFor(sighting)
        ? this.#rowOfRest(sighting, rows)
        : countedRow(sighting, before)
    rows.set(name, row)
    return row
  }

  /** A hostile peer must not make rows without end. */
  #hasRoomFor({ customer, kind }: Sighting): boolean {
    const group = JSON.stringify([customer, kind])
    const count = this.#rows.get(group) ?? (this.#statements.rowsOf.get(customer, kind) as number)
    if (count >= rowsKept) return false
    this.#rows.set(group, count + 1)
    return true
  }

  /** Where a sighting counts for which there is no row of its own. */
  #rowOfRest(sighting: Sighting, rows: Map<string, CountedRow>): CountedRow {
    const rest = { ...sighting, tenant: null, originator: null, connectingHost: null }
    const known = rows.get(nameOf(rest))
    if (known !== undefined) return known
    const row = countedRow(rest, this.#statements.one.get(seenId(rest)) as SeenColumns | undefined)
    rows.set(nameOf(rest), row)
    return row
  }

  #write({ id, named, authorDomains, samples, refusedBy, ...rest }: CountedRow): void {
    this.#statements.put.run({
      id,
      customer: named.customer,
      kind: named.kind,
      tenant: named.tenant,
      originator: named.originator,
      class: named.class,
      connectingHost: named.connectingHost,
      authorDomains: JSON.stringify(authorDomains),
      samples: JSON.stringify(samples),
      refusedBy: JSON.stringify(refusedBy),
      ...rest,
    })
  }

  #shown(row: SeenColumns): SeenRow {
    return {
      ...row,
      tenantDomains: row.tenant === null ? [] : (this.#statements.originators.all(row.tenant) as string[]),
      authorDomains: listOf(row.authorDomains),
      firstSeen: new Date(row.firstSeen).toISOString(),
      lastSeen: new Date(row.lastSeen).toISOString(),
      samples: listOf(row.samples),
      refusedBy: JSON.parse(row.refusedBy) as SeenRow['refusedBy'],
      relation: this.#relationOf(row),
    }
  }

  /** A tenant that this customer has granted something is related to it, whatever else it is seen doing. */
  #relationOf({ customer, tenant, relation }: SeenColumns): SeenRow['relation'] {
    if (relation !== 'unknown' || customer === null || tenant === null) return relation
    return this.#statements.ownOf.get(customer, tenant) === undefined ? 'unknown' : 'related'
  }
}

/** A row while a transaction counts in it: it is read once and written once, however many sightings it takes. */
type CountedRow = {
  readonly id: string
  readonly named: Named
  authorDomains: readonly string[]
  count: number
  firstSeen: number
  lastSeen: number
  samples: readonly string[]
  readonly refusedBy: Record<string, number>
  relation: SeenRow['relation']
}

function countedRow(sighting: Sighting, before: SeenColumns | undefined): CountedRow {
  return {
    id: seenId(sighting),
    named: sighting,
    authorDomains: listOf(before?.authorDomains),
    count: before?.count ?? 0,
    firstSeen: before?.firstSeen ?? sighting.at,
    lastSeen: before?.lastSeen ?? sighting.at,
    samples: listOf(before?.samples),
    refusedBy: before === undefined ? {} : (JSON.parse(before.refusedBy) as Record<string, number>),
    relation: sighting.relation,
  }
}

function count(sighting: Sighting, row: CountedRow): void {
  row.count += 1
  row.firstSeen = Math.min(row.firstSeen, sighting.at)
  row.lastSeen = Math.max(row.lastSeen, sighting.at)
  row.authorDomains = newest(sighting.authorDomain, row.authorDomains, authorDomainsKept)
  row.samples = newest(sighting.id, row.samples, samplesKept)
  row.relation = sighting.relation
  if (sighting.refusedBy !== null) row.refusedBy[sighting.refusedBy] = (row.refusedBy[sighting.refusedBy] ?? 0) + 1
}

function newest(value: string | null, before: readonly string[], kept: number): readonly string[] {
  return value === null ? before : [value, ...before.filter((other) => other !== value)].slice(0, kept)
}

function listOf(json: string | undefined): readonly string[] {
  return json === undefined ? [] : (JSON.parse(json) as string[])
}

/** What is aggregated here can be lost without losing an event: the day files have them all. */
function openOrBeginAnew(file: string, log: Log): Database.Database {
  try {
    return open(file)
  } catch (error) {
    if (!isDamage(error)) throw error
    log.error('the table of who was seen is damaged and begins anew', { file, error })
    const beside = `${file}.damaged-${Date.now()}`
    for (const suffix of ['', '-wal', '-shm']) moveIfThere(`${file}${suffix}`, `${beside}${suffix}`)
    return open(file)
  }
}

function open(file: string): Database.Database {
  const db = new Database(file, { timeout: 10_000 })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    if (db.pragma('user_version', { simple: true }) === 0) db.transaction(() => db.exec(schema)).immediate()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function prepare(db: Database.Database) {
  return {
    progress: db.prepare('SELECT sequence FROM progress WHERE shard = ?').pluck(),
    setProgress: db.prepare(
      `INSERT INTO progress (shard, sequence) VALUES (?, ?)
       ON CONFLICT (shard) DO UPDATE SET sequence = excluded.sequence`,
    ),
    one: db.prepare(`SELECT ${columns} FROM seen WHERE id = ?`),
    all: db.prepare(`SELECT ${columns} FROM seen ORDER BY last_seen DESC, id`),
    ofCustomer: db.prepare(`SELECT ${columns} FROM seen WHERE customer = ? ORDER BY last_seen DESC, id`),
    rowsOf: db.prepare('SELECT count(*) FROM seen WHERE customer IS ? AND kind = ?').pluck(),
    originators: db
      .prepare('SELECT DISTINCT originator FROM seen WHERE tenant = ? AND originator IS NOT NULL ORDER BY originator')
      .pluck(),
    ownOf: db.prepare(`SELECT 1 FROM seen WHERE customer = ? AND tenant = ? AND relation = 'own'`),
    put: db.prepare(
      `INSERT OR REPLACE INTO seen (id, customer, kind, tenant, originator, class, connecting_host, author_domains,
         count, first_seen, last_seen, samples, refused_by, relation)
       VALUES (@id, @customer, @kind, @tenant, @originator, @class, @connectingHost, @authorDomains, @count,
         @firstSeen, @lastSeen, @samples, @refusedBy, @relation)`,
    ),
  }
}
