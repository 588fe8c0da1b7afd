import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RollingCounters, type WindowCharge, countedSince, windowLength } from './counters.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.UTC(2026, 10, 24)

test('a key that was never counted counts nothing', () => {
  expect(new RollingCounters().counts('grant/acme/mail', start)).toEqual({
    messagesLastHour: 0,
    messagesLastDay: 0,
    recipientsLastHour: 0,
    recipientsLastDay: 0,
  })
})

test('messages and recipients are counted in the hour and the day', () => {
  const counters = new RollingCounters()
  counters.charge('a', 3, start)
  counters.charge('a', 4, start + 2 * hour)
  counters.charge('b', 100, start)
  expect(counters.counts('a', start + 2 * hour)).toEqual({
    messagesLastHour: 1,
    messagesLastDay: 2,
    recipientsLastHour: 4,
    recipientsLastDay: 7,
  })
})

test('a window counts until the last moment of it is an hour old', () => {
  const counters = new RollingCounters()
  counters.charge('a', 1, start)
  expect(counters.counts('a', start + hour + windowLength - 1).messagesLastHour).toBe(1)
  expect(counters.counts('a', start + hour + windowLength).messagesLastHour).toBe(0)
  expect(counters.counts('a', start + day + windowLength - 1).messagesLastDay).toBe(1)
  expect(counters.counts('a', start + day + windowLength).messagesLastDay).toBe(0)
})

test('a clock that steps back frees nothing', () => {
  const counters = new RollingCounters()
  counters.charge('a', 1, start + hour)
  expect(counters.counts('a', start).messagesLastHour).toBe(1)
})

test('a refund takes back the charge in its own window', () => {
  const counters = new RollingCounters()
  const charge = counters.charge('a', 5, start)
  counters.charge('a', 2, start + windowLength)
  counters.refund(charge)
  expect(counters.counts('a', start + windowLength)).toMatchObject({ messagesLastHour: 1, recipientsLastHour: 2 })
  expect(counters.drain()).toEqual([{ key: 'a', window: start + windowLength, messages: 1, recipients: 2 }])
})

test('drain gives each change once, and the refund of a drained charge as its negative', () => {
  const counters = new RollingCounters()
  const charge = counters.charge('a', 5, start + 7)
  expect(counters.drain()).toEqual([{ key: 'a', window: start, messages: 1, recipients: 5 }])
  expect(counters.drain()).toEqual([])
  counters.refund(charge)
  expect(counters.drain()).toEqual([{ key: 'a', window: start, messages: -1, recipients: -5 }])
})

test('what is loaded counts and is not drained again', () => {
  const counters = new RollingCounters()
  counters.load([
    { key: 'a', window: start, messages: 2, recipients: 9 },
    { key: 'a', window: start, messages: 1, recipients: 1 },
  ])
  expect(counters.counts('a', start + 1)).toMatchObject({ messagesLastHour: 3, recipientsLastHour: 10 })
  expect(counters.drain()).toEqual([])
})

test('a restart that loads what still counts counts what was counted before', () => {
  const counters = new RollingCounters()
  const at = start + 12_345
  const charges = Array.from({ length: 300 }, (_, back) => counters.charge('a', 1, at - back * windowLength))
  const restarted = new RollingCounters()
  restarted.load(charges.filter(({ window }) => window >= countedSince(at)))
  expect(restarted.counts('a', at)).toEqual(counters.counts('a', at))
  expect(restarted.counts('a', at).messagesLastDay).toBe(289)
})

test('keys unused for a day are forgotten', () => {
  const counters = new RollingCounters()
  for (let key = 0; key < 1000; key++) counters.charge(`key-${key}`, 1, start)
  expect(counters.size).toBe(1000)
  counters.charge('late', 1, start + day + windowLength)
  expect(counters.size).toBe(1)
})

/** A store that adds up what it is given, as custody does. */
class Store {
  readonly #rows = new Map<string, WindowCharge>()

  add(charges: readonly WindowCharge[]): void {
    for (const charge of charges) {
      const name = `${charge.key} ${charge.window}`
      const before = this.#rows.get(name) ?? { ...charge, messages: 0, recipients: 0 }
      const messages = before.messages + charge.messages
      this.#rows.set(name, { ...charge, messages, recipients: before.recipients + charge.recipients })
    }
  }

  rows(): readonly WindowCharge[] {
    return [...this.#rows.values()]
  }
}

test('no real hour and no real day sees more than the limit, whatever the arrivals, refunds and restarts', () => {
  const steps = fc.array(
    fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 2 * windowLength }), fc.integer({ min: 0, max: 3 * hour })),
      recipients: fc.integer({ min: 1, max: 9 }),
      fate: fc.constantFrom('keep', 'keep', 'keep', 'refund', 'restart'),
    }),
    { minLength: 1, maxLength: 120 },
  )
  const limits = fc.record({ hour: fc.integer({ min: 5, max: 60 }), day: fc.integer({ min: 20, max: 200 }) })
  fc.assert(
    fc.property(steps, limits, (arrivals, limit) => {
      const store = new Store()
      let counters = new RollingCounters()
      let now = start
      const kept: { at: number; recipients: number }[] = []
      for (const { wait, recipients, fate } of arrivals) {
        now += wait
        const used = counters.counts('a', now)
        if (used.recipientsLastHour + recipients > limit.hour || used.recipientsLastDay + recipients > limit.day)
          continue
        const charge = counters.charge('a', recipients, now)
        if (fate === 'refund') counters.refund(charge)
        else kept.push({ at: now, recipients })
        store.add(counters.drain())
        if (fate === 'restart') {
          counters = new RollingCounters()
          counters.load(store.rows())
        }
      }
      for (const { at } of kept) {
        const within = (length: number) =>
          kept.filter((one) => one.at > at - length && one.at <= at).reduce((sum, one) => sum + one.recipients, 0)
        expect(within(hour)).toBeLessThanOrEqual(limit.hour)
        expect(within(day)).toBeLessThanOrEqual(limit.day)
      }
    }),
    { numRuns: 300, seed: 1 },
  )
})

test('the sums kept along the way are those of a count from scratch', () => {
  const changes = fc.array(
    fc.tuple(fc.integer({ min: -hour / 3, max: hour / 3 }), fc.integer({ min: 1, max: 9 }), fc.boolean()),
    {
      maxLength: 60,
    },
  )
  fc.assert(
    fc.property(changes, (list) => {
      const counters = new RollingCounters()
      const left: WindowCharge[] = []
      let now = start
      for (const [step, recipients, back] of list) {
        now += step
        const charge = counters.charge('a', recipients, now)
        if (back) counters.refund(charge)
        else left.push(charge)
        const fresh = new RollingCounters()
        fresh.load(left)
        expect(counters.counts('a', now)).toEqual(fresh.counts('a', now))
      }
    }),
    { numRuns: 200, seed: 1 },
  )
})
