import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BootError, say } from './root.js'

const HEARTBEAT_MS = 500
const LOOK_MS = 250
const SILENCE_MS = 5_000
const PATIENCE_MS = 15 * 60_000

/**
 * Runs `work` while holding `directory`, whose making is the lock: mkdir is atomic everywhere.
 * The holder keeps touching it. A waiter takes over only after it has itself watched the lock lie
 * still, which trusts neither clocks nor process ids of another container, and only when the
 * installer that the holder noted is gone too: it outlives a holder that was killed.
 */
export const withLock = async (directory, work) => {
  await acquire(directory)
  const heartbeat = setInterval(() => touch(directory), HEARTBEAT_MS)
  try {
    return await work((pid) => writeFileSync(join(directory, 'installer'), String(pid)))
  } finally {
    clearInterval(heartbeat)
    rmSync(directory, { recursive: true, force: true })
  }
}

const acquire = async (directory) => {
  const deadline = performance.now() + PATIENCE_MS
  let seen = { mtime: undefined, since: performance.now() }
  let told = false
  while (!make(directory)) {
    if (performance.now() > deadline)
      throw new BootError(`${directory} is still held: remove it if no install is running`)
    if (!told) say('waiting for another install to finish')
    told = true
    await sleep(LOOK_MS)
    const mtime = mtimeOf(directory)
    if (mtime !== seen.mtime) seen = { mtime, since: performance.now() }
    else if (performance.now() - seen.since > SILENCE_MS && !installerLives(directory)) takeAway(directory, mtime)
  }
}

const make = (directory) => {
  try {
    mkdirSync(directory)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new BootError(`cannot write in the checkout (${error.message}): run npm ci there as its owner`)
  }
}

// Two waiters may both find the lock silent. The second to break it must not break the first one's
// new lock, so the look and the removal happen under a lock of their own.
const takeAway = (directory, mtime) => {
  const breaking = `${directory}.breaking`
  if (!make(breaking)) return
  try {
    if (mtimeOf(directory) !== mtime) return
    const away = `${directory}.${process.pid}`
    renameSync(directory, away)
    rmSync(away, { recursive: true, force: true })
  } finally {
    rmSync(breaking, { recursive: true, force: true })
  }
}

const mtimeOf = (directory) => statSync(directory, { throwIfNoEntry: false })?.mtimeMs

const touch = (directory) => {
  try {
    utimesSync(directory, new Date(), new Date())
  } catch {
    // Taken over while this process was suspended: the new holder is in charge now.
  }
}

const installerLives = (directory) => {
  try {
    process.kill(Number(readFileSync(join(directory, 'installer'), 'utf8')), 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
