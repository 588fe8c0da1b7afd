import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ProofStanding, afterLook, nextLookAt, unproven, weighed } from './proof-state.ts'

const day = 86_400_000
const hour = 3_600_000
const grace = 3 * day
const proven: ProofStanding = { state: 'proven', provedAt: 5, lapsesAt: null }
const lapsing: ProofStanding = { state: 'lapsing', provedAt: 5, lapsesAt: 100 + grace }
const lapsed: ProofStanding = { state: 'lapsed', provedAt: 5, lapsesAt: 100 }

describe('a look', () => {
  test.each([
    ['unproven', unproven, 'seen', 7, { state: 'proven', provedAt: 7, lapsesAt: null }],
    ['unproven', unproven, 'absent', 7, unproven],
    ['unproven', unproven, 'trouble', 7, unproven],
    ['proven', proven, 'seen', 100, proven],
    ['proven', proven, 'absent', 100, lapsing],
    ['proven', proven, 'trouble', 100, proven],
    ['lapsing', lapsing, 'seen', 200, proven],
    ['lapsing', lapsing, 'absent', 200, lapsing],
    ['lapsing', lapsing, 'trouble', 200, lapsing],
    ['lapsing, at its end,', lapsing, 'absent', 100 + grace, { ...lapsing, state: 'lapsed' }],
    ['lapsing, at its end,', lapsing, 'trouble', 100 + grace, { ...lapsing, state: 'lapsed' }],
    ['lapsing, after its end,', lapsing, 'seen', 101 + grace, proven],
    ['lapsed', lapsed, 'seen', 200, { state: 'proven', provedAt: 200, lapsesAt: null }],
    ['lapsed', lapsed, 'absent', 200, lapsed],
  ] as const)('at a proof that is %s: %#', (_, was, answer, now, is) => {
    expect(afterLook(was, answer, now, grace)).toEqual(is)
  })

  test('with no grace ends a proof at once', () => {
    expect(afterLook(proven, 'absent', 100, 0)).toEqual(lapsed)
    expect(afterLook(proven, 'trouble', 100, 0)).toEqual(proven)
  })

  test('that fails, however often, neither makes nor ends a proof that no look has found absent', () => {
    const answers = fc.array(fc.constantFrom('seen', 'trouble'), { maxLength: 30 })
    fc.assert(
      fc.property(answers, fc.nat({ max: day }), (looks, graceMs) => {
        let at = 1000
        let standing = unproven
        for (const answer of looks) standing = afterLook(standing, answer, (at += day), graceMs)
        expect(standing.state).toBe(looks.includes('seen') ? 'proven' : 'unproven')
      }),
      { numRuns: 200 },
    )
  })
})

test('trouble alone is absence once the record was not seen for thirty days', () => {
  expect(weighed('trouble', 0, 30 * day)).toBe('trouble')
  expect(weighed('trouble', 0, 30 * day + 1)).toBe('absent')
  expect(weighed('trouble', null, 90 * day)).toBe('trouble')
  expect(weighed('seen', 0, 90 * day)).toBe('seen')
})

describe('the next look', () => {
  const at = (standing: ProofStanding, answer: 'seen' | 'absent' | 'trouble', age: number, chance = 0.5) =>
    nextLookAt(standing, { answer, since: 0, now: age }, chance) - age

  test('at a proof that stands comes after a day, give or take a tenth', () => {
    expect(at(proven, 'seen', day)).toBe(day)
    expect(at(proven, 'seen', day, 0)).toBe(0.9 * day)
    expect(at(proven, 'trouble', day)).toBe(hour / 4)
  })

  test('at one that is waited for comes soon, then hourly, then daily', () => {
    expect([0, 60_000, 600_000, 2 * day, 31 * day].map((age) => at(unproven, 'absent', age))).toEqual([
      5_000,
      5_000,
      30_000,
      hour,
      day,
    ])
  })

  test('at one that lapses comes at its end at the latest, and never before now', () => {
    expect(at({ ...lapsing, lapsesAt: 3 * day + 1000 }, 'absent', 3 * day)).toBe(1000)
    expect(at({ ...lapsing, lapsesAt: 3 * day - 1000 }, 'absent', 3 * day)).toBe(0)
  })
})
