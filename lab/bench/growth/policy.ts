import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckedPolicy, isPolicyProblems, readPolicy } from '../../../src/rooms/registry/index.ts'
import { type Effort, effortOf } from './effort.ts'
import type { PartFigures } from './figures.ts'
import { policyAsJson, policyAsYaml } from './many-customers.ts'
import { context, registryIn } from './prepared.ts'

/** Reading a whole policy, applying it, applying it again, and with one grant changed; then loading it as a relay does. */
export async function policy(customers: number): Promise<PartFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-growth-'))
  const { registry, close } = await registryIn(directory)
  const figures: { name: string; value: number; unit: 'ms' | 'MB' }[] = []
  const note = <T>(name: string, { value, ...effort }: Effort<T>): T => {
    figures.push({ name: `${name}: CPU`, value: effort.cpuMs, unit: 'ms' })
    figures.push({ name: `${name}: wall`, value: effort.wallMs, unit: 'ms' })
    figures.push({ name: `${name}: longest stall`, value: effort.stallMs, unit: 'ms' })
    figures.push({ name: `${name}: peak RSS`, value: effort.peakMegabytes, unit: 'MB' })
    return value
  }
  try {
    const yaml = policyAsYaml(customers)
    note('read YAML', await effortOf(() => reading(yaml)))
    const json = policyAsJson(customers)
    const first = note('read JSON', await effortOf(() => reading(json)))
    note('apply all', await effortOf(() => registry.apply(first, 'a')))
    note('apply the same', await effortOf(() => registry.apply(first, 'a')))
    const before = note('load', await effortOf(() => registry.load()))
    const changed = await reading(policyAsJson(customers, 0))
    note('apply one change', await effortOf(() => registry.apply(changed, 'a')))
    note('follow one change', await effortOf(() => registry.loadChanges(before)))
    note('keys to make', await effortOf(() => registry.keysWanted(50)))
    note('keys to look for', await effortOf(() => registry.keysToLookFor(Date.now(), 100)))
  } finally {
    await close()
    rmSync(directory, { recursive: true, force: true })
  }
  return figures.map((figure) => ({ size: `${customers} customers`, ...figure }))
}

async function reading(text: string): Promise<CheckedPolicy> {
  const read = await readPolicy(text, 'policy', context)
  if (isPolicyProblems(read)) throw new Error(read.lines.slice(0, 5).join('\n'))
  return read
}
