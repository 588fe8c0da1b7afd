import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultWait, nextAttempt } from './retry.ts'

const settings = { first: 60_000, factor: 2, max: 600_000, giveUpAfter: 3_600_000 }

describe('nextAttempt', () => {
  it('grows from the first wait to the longest', () => {
    const wait = (attempts: number) => {
      const verdict = nextAttempt(settings, attempts, 0, 0, 0.5)
      return verdict.kind === 'again' ? verdict.dueAt : -1
    }
    expect([1, 2, 3, 4, 5, 400].map(wait)).toEqual([60_000, 120_000, 240_000, 480_000, 600_000, 600_000])
  })

  it('makes a last attempt when the time is up, and then no more', () => {
    expect(nextAttempt(settings, 9, 0, 3_500_000, 0.5)).toEqual({ kind: 'again', dueAt: 3_600_000 })
    expect(nextAttempt(settings, 10, 0, 3_600_000, 0.5)).toEqual({ kind: 'expired' })
  })

  it('always moves on, within a fifth of the wait, and never past the end', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.nat(3_599_999),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, now, random) => {
          const verdict = nextAttempt(settings, attempts, 0, now, random)
          if (verdict.kind === 'expired') throw new Error('expired before its time')
          expect(verdict.dueAt).toBeGreaterThan(now)
          expect(verdict.dueAt).toBeLessThanOrEqual(settings.giveUpAfter)
          expect(verdict.dueAt - now).toBeLessThanOrEqual(settings.max * 1.2)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('faultWait', () => {
  it('starts at a tenth of a second and stays at seconds', () => {
    expect([0, 1, 2, 20].map((tries) => faultWait(tries, 0.5))).toEqual([100, 200, 400, 5000])
  })
})
