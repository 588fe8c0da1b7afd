import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Custody } from './index.ts'
import { exampleEntry, exampleEvent, exampleId, exampleRecipient } from './testing/entries.ts'
import { dueIds } from './testing/due.ts'
import { TestShard } from './testing/shard.ts'

let shard: TestShard
let custody: Custody
beforeEach(async () => {
  shard = new TestShard()
  custody = await shard.open()
})
afterEach(() => shard.remove())

const kinds = async (): Promise<string[]> => (await custody.outboxAfter(0, 100)).map((event) => event.kind)

/** Three for one.example of two customers, one for two.example; the third is held. */
async function smallQueue(): Promise<void> {
  const one = [exampleRecipient(0, 'one.example')]
  await custody.accept(exampleEntry(1, { at: 1_000, recipients: one }), [])
  await custody.accept(exampleEntry(2, { at: 2_000, recipients: one, customer: 'other' }), [])
  await custody.accept(exampleEntry(3, { at: 3_000, recipients: one, hold: { reason: 'limit', until: 9_000 } }), [])
  const both = [exampleRecipient(0, 'two.example'), exampleRecipient(1, 'one.example')]
  await custody.accept(exampleEntry(4, { at: 4_000, recipients: both }), [])
}

const retry = (index: number, reply: string, dueAt: number) =>
  ({ index, kind: 'retry', reply, dueAt, attempted: true }) as const

test('the queue in groups: how many, how old, what is held and when the next is due', async () => {
  await smallQueue()
  await custody.settle(
    exampleId(1),
    [retry(0, '451 4.7.1 greylisted, see 7f00aa91bc for <a@b.example>', 50_000)],
    [],
    [],
  )
  await custody.settle(
    exampleId(2),
    [retry(0, '451 4.7.1 greylisted, see 99ab77cd01 for <x@y.example>', 40_000)],
    [],
    [],
  )
  expect(await custody.summary('destination')).toEqual([
    { name: 'one.example', messages: 4, recipients: 4, held: 1, oldestArrival: 1_000, nextDue: 4_000 },
    { name: 'two.example', messages: 1, recipients: 1, held: 0, oldestArrival: 4_000, nextDue: 4_000 },
  ])
  expect(await custody.summary('customer')).toEqual([
    { name: 'acme', messages: 3, recipients: 4, held: 1, oldestArrival: 1_000, nextDue: 4_000 },
    { name: 'other', messages: 1, recipients: 1, held: 0, oldestArrival: 2_000, nextDue: 40_000 },
  ])
  expect((await custody.summary('source')).map(({ name }) => name)).toEqual(['acme-m365', 'other-m365'])
  expect(await custody.summary('reason')).toMatchObject([
    { name: '451 4.7.1 greylisted, see … for …', messages: 2, nextDue: 40_000 },
    { name: 'limit', messages: 1, held: 1, nextDue: null },
    { name: 'not tried yet', messages: 1, recipients: 2 },
  ])
})

test('a filter by reason looks at holds and at what receivers said; age and state go along', async () => {
  await smallQueue()
  await custody.settle(exampleId(1), [retry(0, '451 greylisted', 50_000)], [], [])
  const ids = async (...asked: Parameters<Custody['list']>) => (await custody.list(...asked)).map(({ id }) => id)
  expect(await ids({ reason: 'greylist' }, null, 10)).toEqual([exampleId(1)])
  expect(await ids({ reason: 'lim' }, null, 10)).toEqual([exampleId(3)])
  expect(await ids({ arrivedBefore: 2_000 }, null, 10)).toEqual([1, 2].map(exampleId))
  expect(await ids({ destination: 'one.example' }, exampleId(2), 1)).toEqual([exampleId(3)])
  expect(await custody.count({ destination: 'one.example' })).toEqual({ queued: 3, held: 1, damaged: 0 })
  expect(await custody.count({ customer: 'acme', arrivedBefore: 3_000 })).toEqual({ queued: 1, held: 1, damaged: 0 })
})

test('a hold has an owner and an end, which a release takes away', async () => {
  await custody.accept(exampleEntry(1), [])
  const hold = { reason: 'looks odd', until: 50_000, owner: 'ann', atEnd: 'release' } as const
  expect(await custody.hold(exampleId(1), hold, [])).toBe(true)
  expect((await custody.read(exampleId(1)))?.hold).toEqual(hold)
  expect(await custody.find(exampleId(1))).toMatchObject({ holdOwner: 'ann', holdThen: 'release', heldUntil: 50_000 })
  await custody.release(exampleId(1), [])
  expect(await custody.find(exampleId(1))).toMatchObject({ state: 'queued', holdOwner: null, holdThen: null })
})

test('a way on which a person sends a message outlives a restart, makes it due, and can be taken back', async () => {
  await custody.accept(exampleEntry(1), [])
  await custody.accept(exampleEntry(2, { hold: { reason: 'limit', until: 9_000 } }), [])
  await custody.settle(exampleId(1), [retry(0, '451 no', 9_000_000_000_000)], [], [])
  const route = { host: '127.0.0.1', port: 2526, tls: 'off' } as const
  const event = exampleEvent(exampleId(1), 'released')
  expect(await custody.reroute(exampleId(1), route, [event])).toBe(true)
  expect(await custody.reroute(exampleId(2), route, [])).toBe(true)
  expect(await custody.reroute(exampleId(3), route, [event])).toBe(false)
  custody = await shard.reopen()
  const rerouted = await custody.read(exampleId(1))
  expect(rerouted?.route).toEqual(route)
  expect(rerouted?.recipients[0]?.dueAt).toBeLessThanOrEqual(Date.now())
  expect(await custody.find(exampleId(2))).toMatchObject({ state: 'held', route })
  expect(await custody.reroute(exampleId(1), null, [])).toBe(true)
  expect(await custody.read(exampleId(1))).not.toHaveProperty('route')
  expect(await kinds()).toEqual(['released'])
})

test('what is hurried is due now; what is held, or gone, is not', async () => {
  await custody.accept(exampleEntry(1), [])
  await custody.accept(exampleEntry(2, { hold: { reason: 'limit', until: 9_000 } }), [])
  await custody.settle(exampleId(1), [retry(0, '451 no', 9_000_000_000_000)], [], [])
  expect(await custody.hurry(exampleId(1), [exampleEvent(exampleId(1), 'released')])).toBe(true)
  expect(await custody.hurry(exampleId(2), [exampleEvent(exampleId(2), 'released')])).toBe(false)
  expect(await custody.hurry(exampleId(9), [exampleEvent(exampleId(9), 'released')])).toBe(false)
  expect((await custody.read(exampleId(1)))?.recipients[0]).toMatchObject({ attempts: 1, lastReply: '451 no' })
  expect((await custody.read(exampleId(1)))?.recipients[0]?.dueAt).toBeLessThanOrEqual(Date.now())
  expect(await kinds()).toEqual(['released'])
})

test('people are answered from the index, not from the messages', async () => {
  await shard.reopen((file) => {
    const db = new Database(file)
    const plan = (sql: string): string =>
      (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[])
        .map((row) => row.detail)
        .join('; ')
    const filters = `customer = 'a' AND source = 'b' AND state = 'held' AND arrived_at <= 5`
    expect(plan(`SELECT id FROM message WHERE id > '' AND ${filters} ORDER BY id LIMIT 5`)).toMatch(
      /^SEARCH message USING COVERING INDEX message_desk \(id>\?\)$/,
    )
    expect(plan('SELECT key, customer, state, due_at, pending FROM message ORDER BY id')).toMatch(
      /^SCAN message USING COVERING INDEX message_desk$/,
    )
    db.close()
  })
})

test('a shard of the first version is brought forward with all that is in it', async () => {
  await custody.accept(exampleEntry(1), [])
  custody = await shard.reopen((file) => {
    const db = new Database(file)
    db.exec('DROP INDEX message_desk; DROP INDEX lane_ready; DROP INDEX recipient_due')
    for (const [name] of db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).raw().all() as [string][])
      db.exec(`DROP TRIGGER ${name}`)
    db.exec('DROP TABLE lane; DROP TABLE tally; ALTER TABLE recipient DROP COLUMN lane')
    for (const column of ['hold_owner', 'hold_then', 'route']) db.exec(`ALTER TABLE message DROP COLUMN ${column}`)
    db.pragma('user_version = 1')
    db.close()
  })
  expect(await custody.list({ customer: 'acme' }, null, 10)).toMatchObject([{ id: exampleId(1), holdOwner: null }])
  expect((await custody.read(exampleId(1)))?.header).toEqual(exampleEntry(1).header)
  expect(await dueIds(custody, 2_000)).toEqual([exampleId(1)])
  expect(await custody.depth()).toMatchObject({ queued: 1 })
})
