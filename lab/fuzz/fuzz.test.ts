import { expect, test } from 'vitest'
import { runTarget, shares } from './run.ts'
import { targets } from './targets/all.ts'

/** Some of what `npm run fuzz` tries; another seed each day finds other things, and the name of the test says which. */
const seed = Number(process.env['ANECHOIC_FUZZ_SEED'] ?? '20261124')
const inputs = 60_000

test.each(shares(targets, inputs).map(([target, count]) => [target.name, count, target] as const))(
  `%s: %i inputs of seed ${seed} are read or are faults`,
  (_name, count, target) => {
    const { findings } = runTarget(target, { seed, from: 0, to: count, step: 1 })
    expect(findings).toEqual([])
  },
  60_000,
)
