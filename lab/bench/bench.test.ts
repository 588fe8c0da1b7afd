import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadToolsAreThere } from './load.ts'
import { readOptions } from './options.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

// On CI the tools are installed by the run itself; elsewhere their absence is said and passed over.
const withLoadTools = loadToolsAreThere() || process.env['CI'] === 'true' ? test : test.skip

async function runBench(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out }
}

withLoadTools(
  'a few messages through the product and through one part give the figures that the contract names',
  async () => {
    const only = ['--only', 'anechoic', '--only', 'accept']
    const { code, out } = await runBench('--json', ...only, '--messages', '40', '--warm-up', '20', '--rounds', '1')
    expect(code).toBe(0)
    const positive: unknown = expect.toSatisfy((value) => typeof value === 'number' && value > 0)
    const figures = {
      messagesPerSecond: positive,
      cpuMicrosecondsPerMessage: positive,
      rssMegabytes: positive,
      p50Ms: positive,
      p99Ms: positive,
    }
    expect(JSON.parse(out)).toMatchObject({
      machine: { cores: positive, node: process.version },
      runs: [
        { name: 'anechoic', ...figures },
        { name: 'accept-only', ...figures },
      ],
      ratios: {},
      missing: {},
    })
  },
  120_000,
)

test('says what is wrong with a command line', () => {
  expect(readOptions(['--messages', 'many'])).toContain('--messages is a whole number')
  expect(readOptions(['--massages', '1'])).toContain('--massages')
  expect(readOptions(['run', 'faster'])).toContain('faster')
  expect(readOptions(['profile', '--messages', '10', '--only', 'a', '--only', 'b'])).toMatchObject({
    verb: 'profile',
    messages: 10,
    only: ['a', 'b'],
    json: false,
  })
})
