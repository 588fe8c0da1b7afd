import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a key if its file does not exist: 32 random octets in base64, readable by the owner alone, on disk before this returns. Never
 * touches a file that is there, and of several processes that make it at one time all end with the same key.
 */
export function ensureKeyFile(path: string): void {
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  writeDurably(fresh, `${randomBytes(32).toString('base64')}\n`)
  try {
    // A link, unlike a rename, does not replace a key that another process made in the meantime.
    linkSync(fresh, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(fresh)
  }
  syncDirectory(dirname(path))
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
