import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LockHeldError, holdLock, tryLock } from './lock.ts'

const lockFile = () => join(mkdtempSync(join(tmpdir(), 'anechoic-lock-')), 'owner.lock')

/** A second process, since POSIX locks do not exclude their own. */
function holder(file: string): ReturnType<typeof spawn> {
  const script = `
    const { tryLock } = await import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)})
    console.log(tryLock(${JSON.stringify(file)}) ? 'held' : 'refused')
    setInterval(() => {}, 1000)`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('a lock excludes another process and is free the moment its holder is killed', async () => {
  const file = lockFile()
  const child = holder(file)
  const [first] = (await once(child.stdout!, 'data')) as [Buffer]
  expect(first.toString().trim()).toBe('held')
  expect(tryLock(file)).toBeNull()
  await expect(holdLock(file, 50)).rejects.toBeInstanceOf(LockHeldError)
  child.kill('SIGKILL')
  const lock = await holdLock(file, 5000)
  lock.release()
})

test('a released lock can be taken by another process', async () => {
  const file = lockFile()
  tryLock(file)!.release()
  const child = holder(file)
  const [first] = (await once(child.stdout!, 'data')) as [Buffer]
  expect(first.toString().trim()).toBe('held')
  child.kill('SIGKILL')
})
