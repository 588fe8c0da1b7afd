import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'

// A checkout with one locked package, an entry that tells how it was started, and an npm of our own.
let checkout: string
let children: ChildProcess[] = []

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'boot-'))
  cpSync(import.meta.dirname, join(checkout, 'scripts/boot'), { recursive: true })
  put('package.json', JSON.stringify({ type: 'module', engines: { node: '>=20.0' } }))
  put('package-lock.json', lockOf({ 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } }))
  put('src/main.ts', entry)
  writeNpm(`mkdir -p node_modules; sleep 0.3; cp package-lock.json node_modules/.package-lock.json`)
})

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(checkout, { recursive: true, force: true })
})

const put = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(join(checkout, path)), { recursive: true })
  writeFileSync(join(checkout, path), text, { mode })
}

const lockOf = (packages: Record<string, object>) => JSON.stringify({ packages: { '': {}, ...packages } })

const writeNpm = (script: string) =>
  put('bin/npm', `#!/bin/sh\necho "$PWD $*" >> ${checkout}/npm-calls\n${script}\n`, 0o755)

const npmCalls = () =>
  existsSync(join(checkout, 'npm-calls')) ? readFileSync(join(checkout, 'npm-calls'), 'utf8').trim().split('\n') : []

const entry = `
  console.log(JSON.stringify({ args: process.argv.slice(2), pid: process.pid, lifeLine: process.channel != null }))
  if (process.argv[2] === 'wait') {
    process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(7) })
    process.on('SIGHUP', () => console.log('SIGHUP'))
    process.on('disconnect', () => { console.log('orphaned'); process.exit(0) })
    setInterval(() => {}, 1000)
  }
`

const start = (args: string[] = [], path = `${join(checkout, 'bin')}:/usr/bin:/bin`) => {
  const env = { PATH: path, NODE_COMPILE_CACHE: join(checkout, 'cache') }
  const child = spawn(process.execPath, [join(checkout, 'scripts/boot/program.js'), ...args], { env })
  children.push(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (said.out += chunk))
  child.stderr.on('data', (chunk) => (said.err += chunk))
  const done = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  const until = async (words: string) => {
    while (!said.out.includes(words)) await sleep(10)
  }
  return { child, done, until, said }
}

/** Makes the Node.js at hand too old, with the pinned one standing in for it already installed. */
const withOldNode = () => {
  const name = `node-${process.platform}-${process.arch}`
  const lock = lockOf({ [`node_modules/${name}`]: { version: '1.0.0', integrity: 'sha512-n', optional: true } })
  put('package.json', JSON.stringify({ type: 'module', engines: { node: '>=99.0' } }))
  put('scripts/runtime/package-lock.json', lock)
  put('scripts/runtime/node_modules/.package-lock.json', lock)
  put(`scripts/runtime/node_modules/${name}/bin/.keep`, '')
  symlinkSync(process.execPath, join(checkout, `scripts/runtime/node_modules/${name}/bin/node`))
}

test('installs once, then runs in the same process without asking npm', async () => {
  const first = await start(['a', '--b']).done
  const again = start(['c'])
  const second = await again.done

  expect(first.code).toBe(0)
  expect(JSON.parse(first.out)).toMatchObject({ args: ['a', '--b'] })
  expect(JSON.parse(second.out)).toEqual({ args: ['c'], pid: again.child.pid, lifeLine: false })
  expect(npmCalls()).toEqual([`${checkout} ci`])
})

test('starts that meet each other install once', async () => {
  const all = await Promise.all([start().done, start().done, start().done])

  expect(all.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(npmCalls()).toHaveLength(1)
})

test('installs again when the lock asks for something else', async () => {
  await start().done
  put('package-lock.json', lockOf({ 'node_modules/a': { version: '1.0.1', integrity: 'sha512-b' } }))
  await start().done

  expect(npmCalls()).toHaveLength(2)
})

test('needs neither what is for another platform nor the tools of development', async () => {
  await start().done
  const packages = {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/darwin': { version: '1.0.0', integrity: 'sha512-d', optional: true },
    'node_modules/tool': { version: '1.0.0', integrity: 'sha512-t', dev: true },
  }
  put('package-lock.json', lockOf(packages))
  await start().done

  expect(npmCalls()).toHaveLength(1)
})

test('says what to do when npm is missing or fails, and leaves no lock', async () => {
  withOldNode() // the folder of the Node.js at hand may hold an npm, and comes first in PATH
  const missing = await start([], '/nowhere').done
  writeNpm('exit 3')
  const failed = await start().done

  expect(missing.code).toBe(70)
  expect(missing.err).toContain('install npm, or run npm ci in')
  expect(failed.code).toBe(70)
  expect(failed.err).toContain('npm ci failed in')
  expect(failed.out).toBe('')
  expect(existsSync(join(checkout, '.install.lock'))).toBe(false)
})

test('a signal while installing stops npm too', async () => {
  writeNpm('exec sleep 60')
  const { child, done, said } = start()
  while (npmCalls().length === 0 || !said.err) await sleep(10)
  child.kill('SIGTERM')

  expect((await done).code).toBe(143)
})

test('takes over the lock of a start that was killed', { timeout: 30_000 }, async () => {
  put('.install.lock/installer', '999999999')
  const { code, err } = await start().done

  expect(code).toBe(0)
  expect(err).toContain('waiting for another install')
  expect(existsSync(join(checkout, '.install.lock'))).toBe(false)
})

test('an old Node.js hands over to the pinned one, with its signals and its exit code', async () => {
  withOldNode()
  const { child, done, until } = start(['wait'])
  await until('"lifeLine":true')
  child.kill('SIGHUP')
  await until('SIGHUP')
  child.kill('SIGTERM')
  const { code, out } = await done

  expect(code).toBe(7)
  expect(JSON.parse(out.split('\n')[0] ?? '').pid).not.toBe(child.pid)
})

test('what was handed over ends when the old Node.js is killed', async () => {
  withOldNode()
  const { child, until } = start(['wait'])
  await until('"lifeLine":true')
  child.kill('SIGKILL')

  await until('orphaned')
})

test('installs the pinned Node.js first, and says so when it is not to be had', async () => {
  withOldNode()
  rmSync(join(checkout, 'scripts/runtime/node_modules'), { recursive: true })
  const { code, err } = await start().done

  expect(npmCalls()).toEqual([`${join(checkout, 'scripts/runtime')} ci --include=optional`])
  expect(code).toBe(70)
  expect(err).toContain('install Node.js 99.0 or newer')
})
