import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../../standards/fault.ts'
import {
  DecisionIds,
  newDecisionId,
  parseDecisionId,
  shardOfDecisionId,
  tailsPerMillisecond,
  timeOfDecisionId,
} from './decision-id.ts'

const now = Date.UTC(2026, 10, 24)

test('an id holds its time, its shard and its tail, and sorts by them in that order', () => {
  const part = fc.tuple(
    fc.integer({ min: 0, max: 2 ** 44 }),
    fc.integer({ min: 0, max: 1023 }),
    fc.integer({ min: 0, max: tailsPerMillisecond - 1 }),
  )
  fc.assert(
    fc.property(part, part, (a, b) => {
      const [first, second] = [newDecisionId(...a), newDecisionId(...b)]
      expect(first).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/)
      expect(timeOfDecisionId(first)).toBe(a[0])
      expect(shardOfDecisionId(first)).toBe(a[1])
      const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
      expect(first < second ? -1 : Number(first > second)).toBe(Math.sign(order))
    }),
    { numRuns: 500, seed: 1 },
  )
})

test('ids of one shard only grow, though the clock stands still or steps back', () => {
  const clock = [now, now, now, now - 5000, now - 5000, now + 1, now]
  let turn = 0
  const ids = new DecisionIds(
    () => clock[turn++] ?? now,
    3,
    () => 0.999999,
  )
  const made = clock.map(() => ids.next())
  expect(made.toSorted()).toEqual(made)
  expect(new Set(made).size).toBe(made.length)
})

test('when the tails of a millisecond are used up, the next one is taken', () => {
  const ids = new DecisionIds(
    () => now,
    0,
    () => 2 - 4 / tailsPerMillisecond,
  )
  const made = [ids.next(), ids.next(), ids.next(), ids.next()]
  expect(made.map(timeOfDecisionId)).toEqual([now, now, now + 1, now + 1])
  expect(made.toSorted()).toEqual(made)
})

test('an incarnation restarted within the millisecond starts elsewhere', () => {
  const first = new DecisionIds(
    () => now,
    0,
    () => 0.25,
  )
  const second = new DecisionIds(
    () => now,
    0,
    () => 0.75,
  )
  expect(first.next()).not.toBe(second.next())
})

test('people may write an id in any case, and nothing else is one', () => {
  const id = newDecisionId(now, 0, 77)
  expect(parseDecisionId(id.toUpperCase())).toBe(id)
  for (const text of ['', id.slice(1), `${id}0`, `${id.slice(1)}u`, `${id.slice(1)}\n`, '../../../etc/pass']) {
    expect(isSyntaxFault(parseDecisionId(text))).toBe(true)
  }
})
