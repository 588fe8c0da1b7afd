import Database from 'better-sqlite3'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export type HeldLock = { release(): void }

/** Another process holds it, and went on holding it for as long as we were willing to wait. */
export class LockHeldError extends Error {
  readonly file: string

  constructor(file: string) {
    super(`${file} is held by another process`)
    this.name = 'LockHeldError'
    this.file = file
  }
}

/**
 * Takes an exclusive lock that the kernel gives back the moment its holder is gone, however it went. Node has no flock,
 * so this is SQLite's own file lock on a file that holds nothing else.
 */
export function tryLock(file: string): HeldLock | null {
  mkdirSync(dirname(file), { recursive: true })
  const database = new Database(file, { timeout: 0 })
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null
    throw error
  }
  return { release: () => database.close() }
}

/** Waits for a leaving holder for at most `waitMs`, then throws `LockHeldError`. */
export async function holdLock(file: string, waitMs: number): Promise<HeldLock> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const lock = tryLock(file)
    if (lock !== null) return lock
    if (performance.now() >= deadline) throw new LockHeldError(file)
    await pause(20)
  }
}
