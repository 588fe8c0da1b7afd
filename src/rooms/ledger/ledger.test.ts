import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openCustody, openOutboxReader } from '../../path/custody/index.ts'
import { newDecisionId } from '../../path/decision/decision-id.ts'
import { fastDirectory, quietLog } from '../../path/custody/testing/entries.ts'
import { DayFiles, dayOf } from './day-files.ts'
import { type Ledger, type LedgerEvent, type StoredEvent, openLedger } from './index.ts'

const day = 86_400_000
const start = Date.UTC(2026, 10, 24, 12)

let directory: string
let ledger: Ledger | null
beforeEach(() => {
  directory = mkdtempSync(join(fastDirectory, 'ledger-'))
  ledger = null
})
afterEach(() => {
  ledger?.close()
  rmSync(directory, { recursive: true })
})

/** An outbox of plain values. */
function outboxOf(shard: number, events: readonly LedgerEvent[]) {
  const stored = events.map((event, index): StoredEvent => ({ ...event, shard, sequence: index + 1 }))
  return {
    shard,
    after: (sequence: number, limit: number) => stored.filter((event) => event.sequence > sequence).slice(0, limit),
    find: (id: string) => stored.filter((event) => event.id === id),
    stored,
  }
}

type Outbox = ReturnType<typeof outboxOf>

function open(...outboxes: readonly Outbox[]): Ledger {
  ledger?.close()
  ledger = openLedger({ dataDir: directory, outboxes, log: quietLog })
  return ledger
}

const idAt = (at: number, tail: number) => newDecisionId(at, 0, tail)

function decision(tail: number, at = start, more: object = {}): LedgerEvent {
  const evidence = { connection: { kind: 'unproven' }, message: { subject: `secret ${tail}` } }
  const detail = { evidence, verdict: 'refuse', rule: 'source-unproven', ...more }
  return { kind: 'decision', at, id: idAt(at, tail), customer: null, source: null, detail }
}

function step(kind: LedgerEvent['kind'], id: string, at: number): LedgerEvent {
  return { kind, at, id, customer: 'acme', source: 'acme-m365', detail: { kind } }
}

const files = () => readdirSync(join(directory, 'ledger')).filter((name) => name.endsWith('.db'))

function rowsOnDisk(): { shard: number; sequence: number }[] {
  return files()
    .filter((name) => name !== 'seen.db')
    .flatMap((name) => {
      const db = new Database(join(directory, 'ledger', name), { readonly: true })
      const rows = db.prepare('SELECT shard, sequence FROM event').all() as { shard: number; sequence: number }[]
      db.close()
      return rows
    })
}

describe('projection', () => {
  test('takes everything once, each event into its UTC day, and says how far it came', async () => {
    const one = outboxOf(
      1,
      Array.from({ length: 1_203 }, (_, n) => decision(n, start + n * 130_000)),
    )
    const two = outboxOf(2, [decision(0, start)])
    const here = open(one, two)
    expect(await here.project()).toEqual([
      { shard: 1, sequence: 1_203 },
      { shard: 2, sequence: 1 },
    ])
    expect(await here.project()).toEqual([])
    expect(files()).toEqual(['2026-11-24.db', '2026-11-25.db', '2026-11-26.db', 'seen.db'])
    expect(rowsOnDisk()).toHaveLength(1_204)
    expect((await here.seen(null)).map((row) => row.count)).toEqual([1_204])
  })

  test('goes on where it stopped after a restart, and takes what came meanwhile', async () => {
    const events = [decision(0), decision(1)]
    await open(outboxOf(1, events)).project()
    const here = open(outboxOf(1, [...events, decision(2)]))
    expect(await here.project()).toEqual([{ shard: 1, sequence: 3 }])
    expect(rowsOnDisk()).toHaveLength(3)
    expect((await here.seen(null))[0]?.count).toBe(3)
  })

  test('a crash after the days and before the progress doubles nothing', async () => {
    const outbox = outboxOf(1, [decision(0), decision(1, start + day)])
    const days = new DayFiles(join(directory, 'ledger'), quietLog)
    days.append(outbox.stored)
    days.close()
    const here = open(outbox)
    await here.project()
    expect(rowsOnDisk()).toHaveLength(2)
    expect((await here.seen(null))[0]?.count).toBe(2)
    expect(await here.find(outbox.stored[1]!.id)).toHaveLength(1)
  })

  test('killed at any moment, again and again, it loses none and doubles none', async () => {
    const custody = await openCustody({ dataDir: directory, shard: 1, log: quietLog, reserveBytes: 1 })
    const count = 6_000
    await custody.record(Array.from({ length: count }, (_, n) => decision(n, start + n * 40_000)))
    await custody.close()
    const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const program = `
      const { openLedger } = await import(${here('./index.ts')})
      const { openOutboxReader } = await import(${here('../../path/custody/index.ts')})
      const { quietLog } = await import(${here('../../path/custody/testing/entries.ts')})
      const dataDir = ${JSON.stringify(directory)}
      console.log('begun')
      await openLedger({ dataDir, outboxes: [openOutboxReader(dataDir, 1)], log: quietLog }).project()`
    for (const delay of [0, 15, 40, 80]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'exit')
      await Promise.race([once(child.stdout, 'data'), ended])
      setTimeout(() => child.kill('SIGKILL'), delay)
      await ended
    }
    const outbox = openOutboxReader(directory, 1)
    ledger = openLedger({ dataDir: directory, outboxes: [outbox], log: quietLog })
    await ledger.project()
    outbox.close()
    const rows = rowsOnDisk()
    expect(rows).toHaveLength(count)
    expect(new Set(rows.map((row) => row.sequence)).size).toBe(count)
    expect((await ledger.seen(null))[0]?.count).toBe(count)
  }, 90_000)

  test('a damaged day is put beside and the rest goes on', async () => {
    const events = [decision(0), decision(1, start + day)]
    const here = open(outboxOf(1, events))
    await here.project()
    here.close()
    writeFileSync(join(directory, 'ledger/2026-11-24.db'), 'x'.repeat(8192))
    const again = open(outboxOf(1, [...events, decision(2), decision(3, start + day)]))
    expect(await again.find(events[0]!.id)).toHaveLength(1)
    await again.project()
    expect(await again.find(idAt(start, 2))).toHaveLength(1)
    expect(await again.find(idAt(start + day, 1))).toHaveLength(1)
    expect(readdirSync(join(directory, 'ledger')).some((name) => name.startsWith('2026-11-24.db.damaged-'))).toBe(true)
  })
})

describe('find', () => {
  test('gives the whole life of a message in order, over days and from the outbox', async () => {
    const id = idAt(start, 7)
    const life = [
      { ...decision(7), id },
      step('deferred', id, start + 3 * day),
      step('signed', id, start + 5 * day),
      // The clock stepped back; the order of writing is the order of life.
      step('delivered', id, start + 5 * day - 10),
    ]
    const other = decision(8)
    const here = open(outboxOf(1, [life[0]!, other, ...life.slice(1)]))
    const kinds = ['decision', 'deferred', 'signed', 'delivered']
    expect((await here.find(id)).map((event) => event.kind)).toEqual(kinds)
    await here.project()
    const found = await here.find(id)
    expect(found.map((event) => event.kind)).toEqual(kinds)
    expect(found[0]).toEqual({ ...life[0], shard: 1, sequence: 1 })
    expect(await open().find(id)).toEqual(found)
    expect(await open().find('nobody knows it')).toEqual([])
  })

  test('opens more days than it keeps open', async () => {
    const events = Array.from({ length: 30 }, (_, n) => step('deferred', idAt(start, 1), start + n * day))
    const here = open(outboxOf(1, events))
    await here.project()
    expect(await open().find(idAt(start, 1))).toHaveLength(30)
    expect(here).toBeDefined()
  })
})

describe('retention', () => {
  test('drops the days that ended before a moment', async () => {
    const here = open(outboxOf(1, [decision(0), decision(1, start + day), decision(2, start + 2 * day)]))
    await here.project()
    await here.dropOlderThan(Date.UTC(2026, 10, 26))
    expect(files()).toEqual(['2026-11-26.db', 'seen.db'])
    expect(await open().find(idAt(start, 0))).toEqual([])
  })

  test('takes out the subjects of older days and nothing else', async () => {
    const here = open(outboxOf(1, [decision(0), decision(1, start + day), step('delivered', idAt(start, 0), start)]))
    await here.project()
    const before = await open().find(idAt(start, 0))
    await ledger!.forgetSubjectsOlderThan(Date.UTC(2026, 10, 25))
    await ledger!.forgetSubjectsOlderThan(Date.UTC(2026, 10, 25))
    const after = await open().find(idAt(start, 0))
    expect(after).toEqual([
      {
        ...before[0],
        detail: { ...before[0]!.detail, evidence: { connection: { kind: 'unproven' }, message: { subject: null } } },
      },
      before[1],
    ])
    expect(JSON.stringify(await open().find(idAt(start + day, 1)))).toContain('secret 1')
  })

  test('a moment that no day holds counts as the epoch', () => {
    expect(dayOf(start)).toBe('2026-11-24')
    expect([Number.NaN, -1, 1e300].map(dayOf)).toEqual(['1970-01-01', '1970-01-01', '1970-01-01'])
  })
})
