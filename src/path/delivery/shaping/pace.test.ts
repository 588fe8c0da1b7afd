import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Pace } from './pace.ts'

const rates = fc.record({ messages: fc.integer({ min: 1, max: 500 }), per: fc.integer({ min: 100, max: 3_600_000 }) })

describe('Pace', () => {
  it('lets no span as long as that of the rate have more than the rate, wherever it begins', () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 400 }),
        (rate, steps) => {
          const pace = new Pace()
          const gone: number[] = []
          let now = 1_000_000
          for (const step of steps) {
            now += Math.round(step ** 4 * rate.per)
            for (let tries = 0; tries < 3; tries++) if (pace.take(rate, now) === 0) gone.push(now)
          }
          for (const from of gone) {
            const inSpan = gone.filter((at) => at >= from && at < from + rate.per)
            expect(inSpan.length).toBeLessThanOrEqual(rate.messages)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('gives all of the rate to one who takes what there is', () => {
    const rate = { messages: 60, per: 60_000 }
    const pace = new Pace()
    let gone = 0
    for (let now = 0; now < 600_000; now += 100) if (pace.take(rate, now) === 0) gone++
    expect(gone).toBeGreaterThanOrEqual(9 * 60)
    expect(gone).toBeLessThanOrEqual(10 * 60 + 60)
  })

  it('says how long to wait, and after that long there is a place', () => {
    const rate = { messages: 4, per: 10_000 }
    const pace = new Pace()
    expect(pace.take(rate, 0)).toBe(0)
    const wait = pace.take(rate, 100)
    expect(wait).toBe(2400)
    expect(pace.take(rate, 100 + wait)).toBe(0)
  })

  it('tells those who find no place to come back one after the other', () => {
    const rate = { messages: 6, per: 60_000 }
    const pace = new Pace()
    pace.take(rate, 0)
    const back = [1, 2, 3].map(() => pace.promise(rate, 0))
    expect(back).toEqual([10_000, 20_000, 30_000])
    expect([pace.hasPromised(29_000), pace.hasPromised(30_000)]).toEqual([true, false])
  })
})
