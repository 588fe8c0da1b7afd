import Database from 'better-sqlite3'
import { closeSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exampleEntry, exampleEvent, exampleId } from '../testing/entries.ts'
import { TestShard, deliver, drain } from '../testing/shard.ts'
import { dueIds } from '../testing/due.ts'

const large = 1_200_000

let shard: TestShard
beforeEach(() => {
  shard = new TestShard()
})
afterEach(() => shard.remove())

describe('a damaged entry', () => {
  /** Runs SQL in which `$id` is the message and `$key` its key. */
  const change = (sql: string) => (number: number, file: string) => {
    const db = new Database(file)
    const id = `'${exampleId(number)}'`
    db.exec(sql.replaceAll('$id', id).replaceAll('$key', `(SELECT key FROM message WHERE id = ${id})`))
    db.close()
  }
  const bodyFile = (number: number) =>
    join(
      shard.bodyDirectory,
      shard.bodies().find((name) => name.startsWith(exampleId(number)))!,
    )
  const flip = (at: number) => (number: number) => {
    const handle = openSync(bodyFile(number), 'r+')
    writeSync(handle, 'X', at)
    closeSync(handle)
  }

  const damages: readonly (readonly [
    what: string,
    bodySize: number,
    damage: (number: number, file: string) => void,
  ])[] = [
    ['permit', 100, change(`UPDATE message SET permit = replace(permit, 'acme', 'evil') WHERE id = $id`)],
    ['permit that is no JSON', 100, change(`UPDATE message SET permit = substr(permit, 3) WHERE id = $id`)],
    ['envelope', 100, change(`UPDATE message SET envelope = '{}' WHERE id = $id`)],
    ['body hash', 100, change(`UPDATE message SET relaxed_body_hash = zeroblob(32) WHERE id = $id`)],
    ['recipient', 100, change(`UPDATE recipient SET domain = 'evil.example' WHERE message = $key`)],
    ['recipient that is missing', 100, change(`DELETE FROM recipient WHERE message = $key`)],
    [
      'header section',
      100,
      change(`UPDATE content SET header = CAST('X' || substr(header, 2) AS BLOB) WHERE message = $key`),
    ],
    ['header section that is no bytes', 100, change(`UPDATE content SET header = 'text' WHERE message = $key`)],
    ['bytes that are missing', 100, change(`DELETE FROM content WHERE message = $key`)],
    ['body of another size', 100, change(`UPDATE content SET body = substr(body, 2) WHERE message = $key`)],
    ['body', 100, change(`UPDATE content SET body = zeroblob(100) WHERE message = $key`)],
    ['body file that is missing', large, (number) => rmSync(bodyFile(number))],
    ['body file that is short', large, (number) => truncateSync(bodyFile(number), large - 1)],
    ['body file, at its start', large, flip(0)],
    ['body file, at its end', large, flip(large - 1)],
  ]

  test('is set aside and reported once, whatever is damaged, and the others go on', async () => {
    let here = await shard.open()
    const numbers = damages.map((_, index) => index + 1)
    const sound = [damages.length + 1, damages.length + 2]
    const sizes = [...damages.map(([, bodySize]) => bodySize), 100, large]
    await Promise.all(sizes.map((bodySize, index) => here.accept(exampleEntry(index + 1, { bodySize }), [])))
    here = await shard.reopen((file) => damages.forEach(([, , damage], index) => damage(index + 1, file)))
    for (const number of numbers) {
      const what = damages[number - 1]![0]
      const first = await here.read(exampleId(number))
      if (first !== null) await expect(drain(here, exampleId(number)), what).rejects.toMatchObject({ kind: 'damaged' })
      expect(await here.read(exampleId(number)), what).toBeNull()
    }
    const left = sound.map(exampleId)
    expect(await dueIds(here, 9_000, 100)).toEqual(left)
    expect(await Promise.all(left.map((id) => drain(here, id)))).toEqual([100, large])
    here = await shard.reopen()
    expect(await dueIds(here, 9_000, 100)).toEqual(left)
    expect(await dueIds(here, 9_000, 100, new Set(left))).toEqual([])
    for (const number of numbers) expect(await here.read(exampleId(number))).toBeNull()
    expect((await here.list({ state: 'damaged' }, null, 100)).map((row) => row.id)).toEqual(numbers.map(exampleId))
    expect(await here.depth()).toMatchObject({ queued: 2, damaged: numbers.length })
    const events = await here.outboxAfter(0, 100)
    const reported = numbers.map((number) => ({
      kind: 'damaged',
      id: exampleId(number),
      customer: 'acme',
      source: 'acme-m365',
    }))
    expect(events).toMatchObject(reported)
  })

  test('never yields the last piece of a body that is not what was stored', async () => {
    let here = await shard.open()
    await here.accept(exampleEntry(1, { bodySize: large }), [])
    here = await shard.reopen(() => flip(10)(1))
    let size = 0
    const reading = async () => {
      for await (const piece of here.readBody(exampleId(1))) size += piece.length
    }
    await expect(reading()).rejects.toThrow('not what was stored')
    expect(size).toBeLessThan(large)
  })

  test('can be cancelled away', async () => {
    let here = await shard.open()
    await here.accept(exampleEntry(1), [])
    here = await shard.reopen((file) => change(`UPDATE message SET envelope = '{}' WHERE id = $id`)(1, file))
    await here.read(exampleId(1))
    await here.settle(exampleId(1), [{ index: 0, kind: 'cancelled', reply: 'damaged' }], [], [])
    here = await shard.reopen()
    expect(await here.depth()).toMatchObject({ queued: 0, damaged: 0 })
    expect(await here.list({}, null, 10)).toEqual([])
  })

  test('an event that cannot be read stands as damaged, and those after it come', async () => {
    let here = await shard.open()
    await here.record([1, 2, 3].map((number) => exampleEvent(exampleId(number), 'decision')))
    here = await shard.reopen((file) => change(`UPDATE event SET detail = '{' WHERE id = $id`)(1, file))
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
    const size = db.pragma('page_size', { simple: true }) as number
    db.close()
    const page = leaves[Math.floor(leaves.length / 2)]!
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(size, 0xee), 0, size, (page - 1) * size)
    closeSync(handle)
  }
  /** Enough for several pages of each table. */
  const count = 400
  const numbers = Array.from({ length: count }, (_, n) => n + 1)

  async function fill(): Promise<void> {
    const here = await shard.open()
    await Promise.all(numbers.map((number) => here.accept(exampleEntry(number, { bodySize: 300 }), [])))
  }

  test.each(['content', 'recipient', 'message'])(
    'of %s: those on it are set aside, the rest is delivered',
    async (name) => {
      await fill()
      let here = await shard.reopen(ruin(name))
      expect(await here.list({}, null, 1_000)).toHaveLength(count)
      const lost: number[] = []
      for (const number of numbers) {
        const stored = await here.read(exampleId(number))
        if (stored === null) lost.push(number)
        else expect(await drain(here, exampleId(number))).toBe(300)
      }
      expect(lost.length).toBeGreaterThan(0)
      expect(lost.length).toBeLessThan(count * 0.7)
      here = await shard.reopen()
      const due = await dueIds(here, 9_000, 1_000)
      expect(due).toHaveLength(count - lost.length)
      expect(await here.depth()).toMatchObject({ damaged: lost.length })
      for (const id of due) await deliver(here, Number(id), [])
      expect(await dueIds(here, 9_000, 1_000)).toEqual([])
    },
  )

  test('a write that meets it sets the message aside, so that it is not sent for ever', async () => {
    await fill()
    const here = await shard.reopen(ruin('message'))
    await Promise.all(numbers.map((number) => deliver(here, number)))
    expect(await dueIds(here, 9_000, 1_000)).toEqual([])
    const { damaged } = await here.depth()
    expect(damaged).toBeGreaterThan(0)
    expect(damaged).toBeLessThan(count * 0.7)
    const events = await here.outboxAfter(0, 1_000)
    expect(events.filter((event) => event.kind === 'delivered')).toHaveLength(count)
    expect(events.filter((event) => event.kind === 'damaged')).toHaveLength(damaged)
  })

  test('a hold that meets it says that it did not hold, and the message is set aside', async () => {
    await fill()
    const here = await shard.reopen(ruin('message'))
    const held = await Promise.all(
      numbers.map((number) => here.hold(exampleId(number), { reason: 'revoked', until: 90_000 }, [])),
    )
    const failed = held.filter((done) => !done).length
    expect(failed).toBeGreaterThan(0)
    expect(await here.depth()).toMatchObject({ damaged: failed })
    expect(await dueIds(here, 9_000, 1_000)).toEqual([])
  })

  test.each(['recipient_due', 'lane_ready', 'lane', 'sqlite_autoindex_lane_1'])(
    'of the schedule (%s) is made again from the messages',
    async (name) => {
      await fill()
      const here = await shard.reopen(ruin(name))
      expect(await dueIds(here, 9_000, 1_000)).toHaveLength(count)
      expect(await here.accept(exampleEntry(count + 1), [])).toBe('stored')
      expect(await dueIds(here, 9_000, 1_000)).toHaveLength(count + 1)
    },
  )
})
