import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { GrowthResults } from './growth/figures.ts'
import { destinationsOf } from './queue/destinations.ts'
import { runQueue } from './queue.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

test('beside dead destinations of every kind a queue is measured, and what is alive gets its mail', async () => {
  const size = ['--messages', '20000', '--destinations', '1000', '--dead', '20', '--seconds', '3']
  const child = spawn(process.execPath, [main, 'queue', ...size, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
  })
  child.stderr.resume()
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code).toBe(0)
  const { figures } = JSON.parse(out) as GrowthResults
  const value = (name: string): number =>
    figures.find((one) => one.size === '20000 queued' && one.name === name)?.value ?? Number.NaN
  expect(value('not delivered to a live destination')).toBe(0)
  expect(value('accepted a second')).toBeGreaterThan(0)
  expect(value('queue time of a live destination, p99')).toBeLessThan(10_000)
  expect(value('RSS of the relay at its highest')).toBeLessThan(1024)
}, 240_000)

test('as many destinations are dead as were asked for, in every way', () => {
  const destinations = destinationsOf(1000, 20)
  const kinds = Array.from({ length: 1000 }, (_, at) => destinations.kindOf(at)).filter((kind) => kind !== 'live')
  expect(kinds).toHaveLength(20)
  expect(new Set(kinds).size).toBe(4)
})

test('says what is wrong with a command line', async () => {
  expect(await runQueue(['--messages', 'many'])).toBe(2)
  expect(await runQueue(['--destinations', '5', '--dead', '6'])).toBe(2)
})
