import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Custody } from '../custody.ts'
import type { DecisionId } from '../../decision/decision.ts'
import { exampleEntry, exampleEvent, exampleId, exampleRecipient, quietLog, fastDirectory } from '../testing/entries.ts'
import { openShard } from './open.ts'
import { openOutboxReader } from './outbox-reader.ts'

const nobody: ReadonlySet<DecisionId> = new Set()
const large = 1_200_000

let directory: string
let custody: Custody | null
beforeEach(() => {
  directory = mkdtempSync(join(fastDirectory, 'custody-trouble-'))
  custody = null
})
afterEach(async () => {
  await custody?.close()
  rmSync(directory, { recursive: true })
})

const shard = () => join(directory, 'custody/1')
const bodies = () => readdirSync(join(shard(), 'bodies'))
const options = () => ({ dataDir: directory, shard: 1, log: quietLog, reserveBytes: 1 })

async function open(writer?: URL): Promise<Custody> {
  custody = await openShard(options(), writer)
  return custody
}

async function reopen(meanwhile: (file: string) => void = () => undefined): Promise<Custody> {
  await custody?.close()
  custody = null
  meanwhile(join(shard(), 'custody.db'))
  return open()
}

/** A writer that does what `look` says at each moment of a group. */
function writerThat(look: string): URL {
  const module = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { runWriter } from ${JSON.stringify(new URL('./writer.ts', import.meta.url).href)}
    let groups = 0
    runWriter(parentPort, workerData, (moment, db) => {
      if (moment === 'begun') groups += 1
      ${look}
    })`
  return new URL(`data:text/javascript,${encodeURIComponent(module)}`)
}

async function drain(from: Custody, id: DecisionId): Promise<number> {
  let size = 0
  for await (const piece of from.readBody(id)) size += piece.length
  return size
}

const deliver = (to: Custody, number: number, events = [exampleEvent(exampleId(number), 'delivered')]) =>
  to.settle(exampleId(number), [{ index: 0, kind: 'delivered', reply: '250 ok' }], [], events)

describe('no space', () => {
  test('below the reserve nothing is accepted, and nothing of it is stored', async () => {
    custody = await openShard({ ...options(), reserveBytes: Number.MAX_SAFE_INTEGER })
    expect(custody.hasRoom()).toBe(false)
    const entry = exampleEntry(1, { bodySize: large })
    expect(await custody.accept(entry, [exampleEvent(entry.id, 'decision')])).toBe('storage-full')
    expect(await custody.depth()).toMatchObject({ queued: 0, outbox: 0 })
    expect(bodies()).toEqual([])
  })

  test('a full database: accept says so and stores nothing, settling goes on and makes room', async () => {
    const full = await open(writerThat(`if (moment === 'begun') db.pragma('max_page_count = 120')`))
    let stored = 0
    while ((await full.accept(exampleEntry(stored + 1, { bodySize: 20_000 }), [])) === 'stored') stored += 1
    expect(stored).toBeGreaterThan(5)
    expect(full.hasRoom()).toBe(false)
    expect(await full.depth()).toMatchObject({ queued: stored, outbox: 0 })
    await pause(1_200)
    expect(full.hasRoom()).toBe(true)
    const together = await Promise.all([
      full.accept(exampleEntry(100, { bodySize: 60_000 }), [exampleEvent(exampleId(100), 'decision')]),
      deliver(full, 1),
      full.accept(exampleEntry(101, { bodySize: 60_000 }), []),
      deliver(full, 2),
    ])
    expect(together).toEqual(['storage-full', undefined, 'storage-full', undefined])
    expect(await full.depth()).toMatchObject({ queued: stored - 2, outbox: 2 })
    await pause(1_200)
    expect(await full.accept(exampleEntry(102, { bodySize: 20_000 }), [])).toBe('stored')
  })

  test('a large body leaves no file behind when its row finds no room', async () => {
    const full = await open(writerThat(`if (moment === 'begun') db.pragma('max_page_count = 20')`))
    let number = 1
    while ((await full.accept(exampleEntry(number, { bodySize: large }), [])) === 'stored') number += 1
    expect(bodies().length).toBe(number - 1)
  })
})

describe('a thread that dies', () => {
  test('fails what was in its hands and comes back', async () => {
    const dying = await open(
      writerThat(
        `if (workerData.sweep && moment === 'begun' && groups === 2) throw new Error('out of memory, so to say')`,
      ),
    )
    await dying.accept(exampleEntry(1), [])
    await expect(dying.accept(exampleEntry(2), [])).rejects.toMatchObject({ name: 'CustodyError', kind: 'unavailable' })
    await expect(dying.accept(exampleEntry(3), [])).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await dying.due(9_000, 10, nobody)).toEqual([exampleId(1)])
    await expect
      .poll(() => dying.accept(exampleEntry(4), []).catch(() => 'rejected'), { timeout: 10_000 })
      .toBe('stored')
    await deliver(dying, 1)
    expect(await dying.due(9_000, 10, nobody)).toEqual([exampleId(4)])
  })
})

describe('a disk error', () => {
  test('rejects with its code, and the next group goes on', async () => {
    const broken = await open(
      writerThat(
        `if (moment === 'written' && groups === 2) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })`,
      ),
    )
    await broken.accept(exampleEntry(1), [])
    await expect(broken.accept(exampleEntry(2, { bodySize: large }), [])).rejects.toMatchObject({
      kind: 'disk',
      code: 'SQLITE_IOERR',
    })
    expect(bodies()).toEqual([])
    expect(await broken.accept(exampleEntry(2), [])).toBe('stored')
    expect(await broken.depth()).toMatchObject({ queued: 2 })
  })

  test('more events than may wait are refused at once', async () => {
    const slow = await open()
    const events = Array.from({ length: 6_000 }, () => exampleEvent(exampleId(1), 'decision'))
    const first = slow.record(events)
    await expect(slow.record(events)).rejects.toMatchObject({ kind: 'busy' })
    await first
    await slow.record(events)
    expect(await slow.depth()).toMatchObject({ outbox: 12_000 })
  })
})

describe('a damaged entry', () => {
  const change = (sql: string) => (file: string) => {
    const db = new Database(file)
    db.exec(sql)
    db.close()
  }
  const ofOne = `id = '${exampleId(1)}'`
  const keyOfOne = `message = (SELECT key FROM message WHERE ${ofOne})`
  const bodyFile = () =>
    join(
      shard(),
      'bodies',
      bodies().find((name) => name.startsWith(exampleId(1)))!,
    )
  const flip = (at: number) => () => {
    const handle = openSync(bodyFile(), 'r+')
    writeSync(handle, 'X', at)
    closeSync(handle)
  }

  test.each<[string, number, (file: string) => void]>([
    ['permit', 100, change(`UPDATE message SET permit = replace(permit, 'acme', 'evil') WHERE ${ofOne}`)],
    ['permit that is no JSON', 100, change(`UPDATE message SET permit = substr(permit, 3) WHERE ${ofOne}`)],
    ['envelope', 100, change(`UPDATE message SET envelope = '{}' WHERE ${ofOne}`)],
    ['body hash', 100, change(`UPDATE message SET relaxed_body_hash = zeroblob(32) WHERE ${ofOne}`)],
    ['recipient', 100, change(`UPDATE recipient SET domain = 'evil.example' WHERE ${keyOfOne}`)],
    ['recipient that is missing', 100, change(`DELETE FROM recipient WHERE ${keyOfOne}`)],
    [
      'header section',
      100,
      change(`UPDATE content SET header = CAST('X' || substr(header, 2) AS BLOB) WHERE ${keyOfOne}`),
    ],
    ['header section that is no bytes', 100, change(`UPDATE content SET header = 'text' WHERE ${keyOfOne}`)],
    ['bytes that are missing', 100, change(`DELETE FROM content WHERE ${keyOfOne}`)],
    ['body of another size', 100, change(`UPDATE content SET body = substr(body, 2) WHERE ${keyOfOne}`)],
    ['body', 100, change(`UPDATE content SET body = zeroblob(100) WHERE ${keyOfOne}`)],
    ['body file that is missing', large, () => rmSync(bodyFile())],
    ['body file that is short', large, () => truncateSync(bodyFile(), large - 1)],
    ['body file, at its start', large, flip(0)],
    ['body file, at its end', large, flip(large - 1)],
  ])('%s: it is set aside and reported once, and the others go on', async (_, bodySize, damage) => {
    let here = await open()
    await here.accept(exampleEntry(1, { bodySize }), [])
    await here.accept(exampleEntry(2, { bodySize }), [])
    here = await reopen(damage)
    const first = await here.read(exampleId(1))
    if (first !== null) await expect(drain(here, exampleId(1))).rejects.toMatchObject({ kind: 'damaged' })
    expect(await here.read(exampleId(1))).toBeNull()
    expect(await here.due(9_000, 10, nobody)).toEqual([exampleId(2)])
    expect(await drain(here, exampleId(2))).toBe(bodySize)
    here = await reopen()
    expect(await here.due(9_000, 10, nobody)).toEqual([exampleId(2)])
    expect(await here.nextDue(new Set([exampleId(2)]))).toBeNull()
    expect(await here.read(exampleId(1))).toBeNull()
    expect(await here.list({ state: 'damaged' }, null, 10)).toMatchObject([{ id: exampleId(1), state: 'damaged' }])
    expect(await here.depth()).toMatchObject({ queued: 1, damaged: 1 })
    const events = await here.outboxAfter(0, 10)
    expect(events).toMatchObject([{ kind: 'damaged', id: exampleId(1), customer: 'acme', source: 'acme-m365' }])
  })

  test('never yields the last piece of a body that is not what was stored', async () => {
    let here = await open()
    await here.accept(exampleEntry(1, { bodySize: large }), [])
    here = await reopen(flip(10))
    let size = 0
    const reading = async () => {
      for await (const piece of here.readBody(exampleId(1))) size += piece.length
    }
    await expect(reading()).rejects.toThrow('not what was stored')
    expect(size).toBeLessThan(large)
  })

  test('can be cancelled away', async () => {
    let here = await open()
    await here.accept(exampleEntry(1), [])
    here = await reopen(change(`UPDATE message SET envelope = '{}' WHERE ${ofOne}`))
    await here.read(exampleId(1))
    await here.settle(exampleId(1), [{ index: 0, kind: 'cancelled', reply: 'damaged' }], [], [])
    here = await reopen()
    expect(await here.depth()).toMatchObject({ queued: 0, damaged: 0 })
    expect(await here.list({}, null, 10)).toEqual([])
  })

  test('an event that cannot be read stands as damaged, and those after it come', async () => {
    let here = await open()
    await here.record([1, 2, 3].map((number) => exampleEvent(exampleId(number), 'decision')))
    here = await reopen(change(`UPDATE event SET detail = '{' WHERE ${ofOne}`))
    expect((await here.outboxAfter(0, 10)).map((event) => event.kind)).toEqual(['damaged', 'decision', 'decision'])
  })
})

describe('a damaged page', () => {
  /** Overwrites a page of a table or index: the one in the middle among its leaves. */
  const ruin = (name: string) => (file: string) => {
    const db = new Database(file)
    const leaves = db
      .prepare(`SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno`)
      .pluck()
      .all(name) as number[]
    db.close()
    const page = leaves[Math.floor(leaves.length / 2)]!
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(4096, 0xee), 0, 4096, (page - 1) * 4096)
    closeSync(handle)
  }
  const numbers = Array.from({ length: 100 }, (_, n) => n + 1)

  async function fill(): Promise<void> {
    const here = await open()
    await Promise.all(numbers.map((number) => here.accept(exampleEntry(number, { bodySize: 300 }), [])))
  }

  test.each(['content', 'recipient', 'message'])(
    'of %s: those on it are set aside, the rest is delivered',
    async (name) => {
      await fill()
      let here = await reopen(ruin(name))
      expect(await here.list({}, null, 1_000)).toHaveLength(100)
      const lost: number[] = []
      for (const number of numbers) {
        const stored = await here.read(exampleId(number))
        if (stored === null) lost.push(number)
        else expect(await drain(here, exampleId(number))).toBe(300)
      }
      expect(lost.length).toBeGreaterThan(0)
      expect(lost.length).toBeLessThan(60)
      here = await reopen()
      const due = await here.due(9_000, 1_000, nobody)
      expect(due).toHaveLength(100 - lost.length)
      expect(await here.depth()).toMatchObject({ damaged: lost.length })
      for (const id of due) await deliver(here, Number(id), [])
      expect(await here.due(9_000, 1_000, nobody)).toEqual([])
    },
  )

  test('a write that meets it sets the message aside, so that it is not sent for ever', async () => {
    await fill()
    const here = await reopen(ruin('message'))
    await Promise.all(numbers.map((number) => deliver(here, number)))
    expect(await here.due(9_000, 1_000, nobody)).toEqual([])
    const { damaged } = await here.depth()
    expect(damaged).toBeGreaterThan(0)
    expect(damaged).toBeLessThan(60)
    const events = await here.outboxAfter(0, 1_000)
    expect(events.filter((event) => event.kind === 'delivered')).toHaveLength(100)
    expect(events.filter((event) => event.kind === 'damaged')).toHaveLength(damaged)
  })

  test('of the schedule is made again from the messages', async () => {
    await fill()
    const here = await reopen(ruin('message_due'))
    expect(await here.due(9_000, 1_000, nobody)).toHaveLength(100)
  })
})

describe('opening', () => {
  test('waits for a leaving owner, and says so when it does not leave', async () => {
    const program = `
      const { openShard } = await import(${JSON.stringify(new URL('./open.ts', import.meta.url).href)})
      const { quietLog, fastDirectory } = await import(${JSON.stringify(new URL('../testing/entries.ts', import.meta.url).href)})
      await openShard({ dataDir: ${JSON.stringify(directory)}, shard: 1, log: quietLog, fastDirectory })
      console.log('open')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(openShard({ ...options(), waitMs: 100 })).rejects.toMatchObject({ kind: 'in-use' })
    setTimeout(() => child.kill('SIGKILL'), 100)
    const here = await open()
    expect(await here.accept(exampleEntry(1), [])).toBe('stored')
  })

  test('sweeps body files without a row and keeps those with one', async () => {
    const here = await open()
    await here.accept(exampleEntry(1, { bodySize: large }), [])
    const kept = bodies()
    await reopen(() => {
      writeFileSync(join(shard(), 'bodies', `${exampleId(1)}-0badcafe`), 'an earlier attempt')
      writeFileSync(join(shard(), 'bodies', `${exampleId(2)}-0badcafe`), 'never committed')
    })
    expect(bodies()).toEqual(kept)
  })

  test('refuses a shard of a newer version', async () => {
    await open()
    await expect(
      reopen((file) => {
        const db = new Database(file)
        db.pragma('user_version = 999')
        db.close()
      }),
    ).rejects.toThrow('newer version')
  })

  test('a file that is no database is a clear error, and is left as it is', async () => {
    await open()
    await expect(reopen((file) => writeFileSync(file, 'x'.repeat(8192)))).rejects.toMatchObject({
      kind: 'disk',
      code: 'SQLITE_NOTADB',
    })
  })

  test('200,000 queued messages are open and due within seconds', async () => {
    await open()
    const began: number[] = []
    const here = await reopen((file) => {
      fillQueue(file, 200_000)
      began.push(performance.now())
    })
    expect(await here.due(500, 3, nobody)).toHaveLength(3)
    expect(await here.nextDue(nobody)).toBe(1)
    expect(await here.depth()).toMatchObject({ queued: 200_000 })
    expect(performance.now() - began[0]!).toBeLessThan(5_000)
  })

  test('what is due is answered from indexes alone', async () => {
    await open()
    await reopen((file) => {
      const db = new Database(file)
      const plan = (sql: string) => (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])[0]!.detail
      expect(plan(`SELECT id FROM message WHERE state = 'queued' AND due_at <= 1 ORDER BY due_at, id LIMIT 9`)).toBe(
        'SEARCH message USING COVERING INDEX message_due (due_at<?)',
      )
      expect(
        plan(`SELECT id FROM message WHERE state = 'held' AND hold_until <= 1 ORDER BY hold_until, id LIMIT 9`),
      ).toBe('SEARCH message USING COVERING INDEX message_held (hold_until<?)')
      db.close()
    })
  })
})

function fillQueue(file: string, count: number): void {
  const db = new Database(file)
  db.exec(`
    BEGIN;
    CREATE TEMP TABLE number AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count}) SELECT n FROM n;
    INSERT INTO message (id, state, due_at, recipients, pending, customer, source, domain, reverse_path, arrived_at,
        size, permit, envelope, relaxed_body_hash, header_size, body_size, checksum, body_checksum)
      SELECT printf('%016d', n), 'queued', n, 1, 1, 'acme', 'acme-m365', 'acme.example', 'a@acme.example', n,
        2000, '{}', '{}', zeroblob(32), 50, 100, 0, 0 FROM number;
    INSERT INTO recipient (message, position, local_part, domain, state, attempts, due_at, delay_notified)
      SELECT n, 0, 'reader', 'dest.example', 'pending', 0, n, 0 FROM number;
    INSERT INTO content (message, header, body) SELECT n, zeroblob(50), zeroblob(100) FROM number;
    COMMIT`)
  db.close()
}

describe('the outbox reader', () => {
  test('reads what another connection writes, from before the shard exists until after it is closed', async () => {
    const reader = openOutboxReader(directory, 1)
    expect(reader.after(0, 10)).toEqual([])
    const here = await open()
    expect(reader.after(0, 10)).toEqual([])
    await here.accept(exampleEntry(1, { recipients: [exampleRecipient(0)] }), [exampleEvent(exampleId(1), 'decision')])
    await here.record([exampleEvent(exampleId(2), 'decision')])
    const events = reader.after(0, 10)
    expect(events).toEqual(await here.outboxAfter(0, 10))
    expect(events.map((event) => event.id)).toEqual([exampleId(1), exampleId(2)])
    expect(reader.find(exampleId(2))).toEqual(events.slice(1))
    expect(reader.after(events[0]!.sequence, 10)).toEqual(events.slice(1))
    await here.trimOutbox(events[0]!.sequence)
    expect(reader.after(0, 10)).toEqual(events.slice(1))
    await here.close()
    expect(reader.after(0, 10)).toEqual(events.slice(1))
    reader.close()
    const later = openOutboxReader(directory, 1)
    expect(later.after(0, 10)).toEqual(events.slice(1))
    later.close()
    custody = null
  })
})
