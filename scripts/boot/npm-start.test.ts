import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'

const checkout = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'npm-start-'))
let npm: ChildProcess

afterEach(() => {
  // The whole group: where the test fails, what npm left behind is still in it.
  try {
    process.kill(-(npm.pid ?? 0), 'SIGKILL')
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ESRCH')
  }
  rmSync(directory, { recursive: true, force: true })
})

test('SIGTERM to npm stops the server under it, and leaves nothing behind', { timeout: 120_000 }, async () => {
  const config = join(directory, 'anechoic.yaml')
  writeFileSync(
    config,
    'listeners: [{ name: upstream, port: 0 }]\ncontrol: { port: 0 }\ndns: { servers: ["127.0.0.1:1"] }\n',
  )
  npm = spawn('npm', ['start', '--', '--config', config], {
    cwd: checkout,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(npm, 'exit')
  let out = ''
  npm.stdout?.on('data', (data: Buffer) => (out += data.toString()))
  while (!out.includes('\nready\n')) await pause(20)
  const port = /^listening smtp 127\.0\.0\.1:(\d+)$/m.exec(out)?.[1]
  expect(port).toBeDefined()

  npm.kill('SIGTERM')

  expect(await ended).toEqual([0, null])
  expect(() => process.kill(-(npm.pid ?? 0), 0)).toThrow('ESRCH')
})
