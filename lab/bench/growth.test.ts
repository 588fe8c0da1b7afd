import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runGrowth } from './growth.ts'
import type { GrowthResults } from './growth/figures.ts'
import { loadToolsAreThere } from './load.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

// On CI the tools are installed by the run itself; elsewhere their absence is said and passed over.
const withLoadTools = loadToolsAreThere() || process.env['CI'] === 'true' ? test : test.skip

async function growthOf(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [main, 'growth', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
  })
  child.stderr.resume()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out }
}

withLoadTools(
  'judging, a message and a change have figures, in the shape that the contract names',
  async () => {
    const parts = ['decide', 'message', 'change']
    const size = ['--customers', '10,20', '--messages', '100', '--rounds', '1']
    const { code, out } = await growthOf(...parts, ...size, '--json')
    expect(code).toBe(0)
    const results = JSON.parse(out) as GrowthResults
    const positive: unknown = expect.toSatisfy((value) => typeof value === 'number' && value > 0)
    const path = {
      messagesPerSecond: positive,
      cpuMicrosecondsPerMessage: positive,
      rssMegabytes: positive,
      p50Ms: positive,
      p99Ms: positive,
    }
    const names = ['decide, 10 customers', 'decide, 20 customers', 'message, 10 customers', 'message, 20 customers']
    expect(results.runs).toMatchObject(names.map((name) => ({ name, ...path })))
    const ratio = { messagesPerSecond: positive, cpuMicrosecondsPerMessage: positive }
    expect(results.ratios).toEqual({ 'decide, 20 customers': ratio, 'message, 20 customers': ratio })
    const told = new Set(results.figures.map(({ part }) => part))
    expect([...told].toSorted()).toEqual(['change', 'decide', 'start'])
  },
  300_000,
)

test('says what is wrong with a command line', async () => {
  expect(await runGrowth(['--customers', 'many'])).toBe(2)
  expect(await runGrowth(['everything'])).toBe(2)
})
