import { expect, test } from 'vitest'
import { isNotHere } from '../report.ts'
import { variants } from './variants.ts'

test.each(Object.keys(variants))(
  '%s: nothing that was accepted is lost',
  async (name) => {
    const report = await variants[name]?.({ seed: 20_261_124, connections: 6, say: () => {} })
    if (report === undefined) throw new Error('there is no such variant')
    if (isNotHere(report)) {
      console.warn(`${name} was not done: ${report.lacking}`)
      return
    }
    expect(report.faults).toEqual([])
    expect(report.tally.lost).toBe(0)
    expect(report.tally.accepted).toBe(report.tally.delivered + report.tally.queued)
  },
  180_000,
)
