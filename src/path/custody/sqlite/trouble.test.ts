import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newDecisionId } from '../../decision/decision-id.ts'
import { exampleEntry, exampleEvent, exampleId, exampleRecipient } from '../testing/entries.ts'
import { TestShard, deliver } from '../testing/shard.ts'
import { openShard } from './open.ts'
import { openOutboxReader } from './outbox-reader.ts'
import { dueIds } from '../testing/due.ts'
import { laneQuestions } from './lanes.ts'

const large = 1_200_000

let shard: TestShard
beforeEach(() => {
  shard = new TestShard()
})
afterEach(() => shard.remove())

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

describe('no space', () => {
  test('below the reserve nothing is accepted, and nothing of it is stored', async () => {
    const custody = await openShard({ ...shard.options(), reserveBytes: Number.MAX_SAFE_INTEGER })
    expect(custody.hasRoom()).toBe(false)
    const entry = exampleEntry(1, { bodySize: large })
    expect(await custody.accept(entry, [exampleEvent(entry.id, 'decision')])).toBe('storage-full')
    expect(await custody.depth()).toMatchObject({ queued: 0, outbox: 0 })
    expect(shard.bodies()).toEqual([])
  })

  test('records of refusals may use the first half of the reserve, and settling the second', async () => {
    const { bavail, bsize } = statfsSync(shard.dataDir)
    const refusal = [exampleEvent(exampleId(9), 'decision')]
    const low = await openShard({ ...shard.options(), reserveBytes: bavail * bsize * 1.5 })
    expect(low.hasRoom()).toBe(false)
    await low.record(refusal)
    await low.close()
    const here = await shard.open()
    await here.accept(exampleEntry(1), [])
    await shard.close()
    const lowest = await openShard({ ...shard.options(), reserveBytes: bavail * bsize * 3 })
    await expect(lowest.record(refusal)).rejects.toMatchObject({ kind: 'busy' })
    await deliver(lowest, 1)
    expect(await lowest.depth()).toMatchObject({ queued: 0, outbox: 2 })
    await lowest.close()
  })

  test('a full database: accept says so and stores nothing, settling goes on and makes room', async () => {
    const full = await shard.open(writerThat(`if (moment === 'begun') db.pragma('max_page_count = 120')`))
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
    const full = await shard.open(writerThat(`if (moment === 'begun') db.pragma('max_page_count = 20')`))
    let number = 1
    while ((await full.accept(exampleEntry(number, { bodySize: large }), [])) === 'stored') number += 1
    expect(shard.bodies().length).toBe(number - 1)
  })
})

describe('a thread that dies', () => {
  test('fails what was in its hands and comes back', async () => {
    const dying = await shard.open(
      writerThat(
        `if (workerData.sweep && moment === 'begun' && groups === 2) throw new Error('out of memory, so to say')`,
      ),
    )
    await dying.accept(exampleEntry(1), [])
    await expect(dying.accept(exampleEntry(2), [])).rejects.toMatchObject({ name: 'CustodyError', kind: 'unavailable' })
    await expect(dying.accept(exampleEntry(3), [])).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await dueIds(dying, 9_000, 10)).toEqual([exampleId(1)])
    await expect
      .poll(() => dying.accept(exampleEntry(4), []).catch(() => 'rejected'), { timeout: 10_000 })
      .toBe('stored')
    await deliver(dying, 1)
    expect(await dueIds(dying, 9_000, 10)).toEqual([exampleId(4)])
  })
})

describe('a disk error', () => {
  test('rejects with its code, and the next group goes on', async () => {
    const broken = await shard.open(
      writerThat(
        `if (moment === 'written' && groups === 2) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })`,
      ),
    )
    await broken.accept(exampleEntry(1), [])
    await expect(broken.accept(exampleEntry(2, { bodySize: large }), [])).rejects.toMatchObject({
      kind: 'disk',
      code: 'SQLITE_IOERR',
    })
    expect(shard.bodies()).toEqual([])
    expect(await broken.accept(exampleEntry(2), [])).toBe('stored')
    expect(await broken.depth()).toMatchObject({ queued: 2 })
  })

  test('more events than may wait are refused at once', async () => {
    const slow = await shard.open()
    const events = Array.from({ length: 6_000 }, () => exampleEvent(exampleId(1), 'decision'))
    const first = slow.record(events)
    await expect(slow.record(events)).rejects.toMatchObject({ kind: 'busy' })
    await first
    await slow.record(events)
    expect(await slow.depth()).toMatchObject({ outbox: 12_000 })
  })
})

describe('opening', () => {
  test('waits for a leaving owner, and says so when it does not leave', async () => {
    const program = `
      const { openShard } = await import(${JSON.stringify(new URL('./open.ts', import.meta.url).href)})
      const { quietLog, fastDirectory } = await import(${JSON.stringify(new URL('../testing/entries.ts', import.meta.url).href)})
      await openShard({ dataDir: ${JSON.stringify(shard.dataDir)}, shard: 1, log: quietLog, fastDirectory })
      console.log('open')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(openShard({ ...shard.options(), waitMs: 100 })).rejects.toMatchObject({ kind: 'in-use' })
    setTimeout(() => child.kill('SIGKILL'), 100)
    const here = await shard.open()
    expect(await here.accept(exampleEntry(1), [])).toBe('stored')
  })

  test('sweeps body files without a row and keeps those with one', async () => {
    const here = await shard.open()
    await here.accept(exampleEntry(1, { bodySize: large }), [])
    const kept = shard.bodies()
    await shard.reopen(() => {
      writeFileSync(join(shard.bodyDirectory, `${exampleId(1)}-0badcafe`), 'an earlier attempt')
      writeFileSync(join(shard.bodyDirectory, `${exampleId(2)}-0badcafe`), 'never committed')
    })
    expect(shard.bodies()).toEqual(kept)
  })

  test('after the clock was set back, what is queued does not wait for the hour to come again', async () => {
    const hour = 3_600_000
    const id = newDecisionId(Date.now() + hour, 1, 0)
    const here = await shard.open()
    const entry = exampleEntry(1, { at: Date.now() + hour })
    await here.accept({ ...entry, id, permit: { ...entry.permit, id } }, [])
    expect(await dueIds(here, Date.now(), 10)).toEqual([])
    const later = await shard.reopen()
    expect(await dueIds(later, Date.now() + 1000, 10)).toEqual([id])
  })

  test('refuses a shard of a newer version', async () => {
    await shard.open()
    await expect(
      shard.reopen((file) => {
        const db = new Database(file)
        db.pragma('user_version = 999')
        db.close()
      }),
    ).rejects.toThrow('newer version')
  })

  test('a file that is no database is a clear error, and is left as it is', async () => {
    await shard.open()
    await expect(shard.reopen((file) => writeFileSync(file, 'x'.repeat(8192)))).rejects.toMatchObject({
      kind: 'disk',
      code: 'SQLITE_NOTADB',
    })
  })

  test('200,000 queued messages are open and due within seconds', async () => {
    await shard.open()
    const began: number[] = []
    const here = await shard.reopen((file) => {
      fillQueue(file, 200_000)
      began.push(performance.now())
    })
    expect(await dueIds(here, 500, 3)).toHaveLength(3)
    expect(await here.nextReady(0)).toBe(1)
    expect(await here.depth()).toMatchObject({ queued: 200_000 })
    expect(performance.now() - began[0]!).toBeLessThan(5_000)
  })

  test('what is due is answered from indexes alone', async () => {
    await shard.open()
    await shard.reopen((file) => {
      const db = new Database(file)
      const planOf = (sql: string) =>
        (db.prepare(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', '1')}`).all() as { detail: string }[]).map(
          ({ detail }) => detail,
        )
      const inLanes = 'SEARCH lane USING INDEX lane_ready'
      expect(planOf(laneQuestions.readyBeside)).toEqual([`${inLanes} (ready_at=? AND key>?)`])
      expect(planOf(laneQuestions.readyLater)).toEqual([`${inLanes} (ready_at>? AND ready_at<?)`])
      expect(planOf(laneQuestions.next)).toEqual(['SEARCH lane USING COVERING INDEX lane_ready (ready_at>?)'])
      const inLane = 'SEARCH recipient USING COVERING INDEX recipient_due'
      expect(planOf(laneQuestions.waitingBeside)).toEqual([`${inLane} (lane=? AND due_at=? AND message>?)`])
      expect(planOf(laneQuestions.waitingLater)).toEqual([`${inLane} (lane=? AND due_at>? AND due_at<?)`])
      expect(planOf(laneQuestions.first)).toEqual(['SEARCH recipient USING COVERING INDEX recipient_due (lane=?)'])
      expect(
        planOf(`SELECT id FROM message WHERE state = 'held' AND hold_until <= 1 ORDER BY hold_until, id LIMIT 9`),
      ).toEqual(['SEARCH message USING COVERING INDEX message_held (hold_until<?)'])
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
    INSERT INTO lane (key, destination, customer, ready_at) VALUES (1, 'dest.example', 'acme', 1);
    INSERT INTO recipient (message, position, local_part, domain, state, attempts, due_at, delay_notified, lane)
      SELECT n, 0, 'reader', 'dest.example', 'pending', 0, n, 0, 1 FROM number;
    INSERT INTO content (message, header, body) SELECT n, zeroblob(50), zeroblob(100) FROM number;
    COMMIT`)
  db.close()
}

describe('the outbox reader', () => {
  test('reads what another connection writes, from before the shard exists until after it is closed', async () => {
    const reader = openOutboxReader(shard.dataDir, 1)
    expect(reader.after(0, 10)).toEqual([])
    const here = await shard.open()
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
    const later = openOutboxReader(shard.dataDir, 1)
    expect(later.after(0, 10)).toEqual(events.slice(1))
    later.close()
  })
})
