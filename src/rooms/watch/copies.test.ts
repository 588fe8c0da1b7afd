import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CopyCounter, type EnvelopeNumbers, envelopeNumbers } from './copies.ts'
import { windowLength } from './counters.ts'

const start = Date.UTC(2026, 10, 24)
const hour = 3_600_000
const people = (from: number, count: number): EnvelopeNumbers =>
  envelopeNumbers(Array.from({ length: count }, (_, at) => `r${from + at}@dest.example`))
const alone = envelopeNumbers(['a@dest.example'])

test('distinct recipients of one message are counted over envelopes, and an envelope that comes again adds nothing', () => {
  const copies = new CopyCounter()
  copies.charge('m', people(0, 300), start)
  expect(copies.counts('m', people(0, 300), start)).toEqual({ reached: 300, fresh: 0 })
  copies.charge('m', people(0, 300), start)
  expect(copies.counts('m', people(200, 200), start)).toEqual({ reached: 300, fresh: 100 })
  expect(copies.counts('other', people(0, 5), start)).toEqual({ reached: 0, fresh: 5 })
})

test('an address is one recipient however often an envelope names it, whatever its case', () => {
  const copies = new CopyCounter()
  copies.charge('m', envelopeNumbers(['a@dest.example', 'A@Dest.example', 'b@dest.example']), start)
  expect(copies.counts('m', envelopeNumbers(['B@dest.example']), start)).toEqual({ reached: 2, fresh: 0 })
})

test('a recipient counts for a day from when it was last reached', () => {
  const copies = new CopyCounter()
  copies.charge('m', people(0, 30), start)
  copies.charge('m', people(0, 10), start + 20 * hour)
  expect(copies.counts('m', [], start + 24 * hour).reached).toBe(30)
  expect(copies.counts('m', people(0, 30), start + 25 * hour)).toEqual({ reached: 10, fresh: 20 })
  expect(copies.counts('m', people(0, 30), start + 46 * hour)).toEqual({ reached: 0, fresh: 30 })
})

test('a refund takes back what the envelope added and nothing else', () => {
  const copies = new CopyCounter()
  copies.charge('m', people(0, 40), start)
  copies.refund(copies.charge('m', people(30, 20), start))
  expect(copies.counts('m', people(30, 20), start)).toEqual({ reached: 40, fresh: 10 })
})

test('a restart knows what a message has reached, and a retry when it sees one', () => {
  const copies = new CopyCounter()
  copies.charge('m', people(0, 15), start)
  copies.charge('m', people(15, 400), start)
  copies.refund(copies.charge('m', people(500, 50), start))
  const saved = [...copies.drain()]
  copies.refund(copies.charge('m', people(600, 50), start))
  saved.push(...copies.drain())
  expect(copies.drain()).toEqual([])
  const restarted = new CopyCounter()
  restarted.load([{ key: 'grant/acme/mail', window: start, messages: 3, recipients: 3 }, ...saved])
  expect(restarted.counts('m', people(0, 415), start + hour)).toEqual({ reached: 415, fresh: 0 })
  expect(restarted.counts('m', people(500, 150), start + hour)).toEqual({ reached: 415, fresh: 150 })
})

test('what was saved already and taken back after is not counted after a restart', () => {
  const copies = new CopyCounter()
  copies.charge('m', people(0, 100), start)
  const charge = copies.charge('m', people(100, 100), start)
  const saved = new Map<string, { key: string; window: number; messages: number; recipients: number }>()
  const save = (): void => {
    for (const row of copies.drain()) {
      const before = saved.get(`${row.key} ${row.window}`)
      const messages = row.messages + (before?.messages ?? 0)
      saved.set(`${row.key} ${row.window}`, { ...row, messages })
    }
  }
  save()
  copies.refund(charge)
  save()
  const restarted = new CopyCounter()
  restarted.load(saved.values())
  expect(restarted.counts('m', [], start).reached).toBe(100)
})

test('messages with few recipients are not saved', () => {
  const copies = new CopyCounter()
  for (let at = 0; at < 100; at++) copies.charge(`m${at}`, people(0, 20), start)
  expect(copies.drain()).toEqual([])
})

test('memory is bounded, and a message that has reached many is not forgotten for the others', () => {
  const copies = new CopyCounter()
  copies.charge('wide', people(0, 21), start)
  for (let at = 0; at < 60_000; at++) copies.charge(`m${at}`, alone, start)
  expect(copies.size).toBeLessThanOrEqual(50_001)
  expect(copies.counts('wide', [], start).reached).toBe(21)
  expect(copies.counts('m0', [], start).reached).toBe(0)
  expect(copies.counts('m35001', [], start).reached).toBe(1)
  for (const day of [1, 2]) copies.charge('late', alone, start + day * (24 * hour + 2 * windowLength))
  expect(copies.size).toBe(1)
})

test('no real day sees more than a limit allows, whatever the envelopes, refunds and restarts', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 9 * hour }),
    from: fc.integer({ min: 0, max: 120 }),
    count: fc.integer({ min: 1, max: 40 }),
    fate: fc.constantFrom('keep', 'keep', 'keep', 'refund', 'restart'),
  })
  const limit = 100
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let copies = new CopyCounter()
      const saved: Parameters<CopyCounter['load']>[0][] = []
      const sent: { at: number; recipient: number }[] = []
      let now = start
      for (const { wait, from, count, fate } of steps) {
        now += wait
        const envelope = people(from, count)
        const { reached, fresh } = copies.counts('m', envelope, now)
        if (reached + fresh <= limit) {
          const charge = copies.charge('m', envelope, now)
          if (fate === 'refund') copies.refund(charge)
          else sent.push(...envelope.map((recipient) => ({ at: now, recipient })))
        }
        saved.push(copies.drain())
        if (fate !== 'restart') continue
        copies = new CopyCounter()
        copies.load(saved.flatMap((rows) => [...rows]))
      }
      for (const { at } of sent) {
        const day = sent.filter((one) => one.at > at - 24 * hour && one.at <= at).map((one) => one.recipient)
        // Each restart may forget the recipients of a message that had few.
        const restarts = steps.filter((one) => one.fate === 'restart').length
        expect(new Set(day).size).toBeLessThanOrEqual(limit + 20 * restarts)
      }
    }),
    { numRuns: 100, seed: 1 },
  )
})
