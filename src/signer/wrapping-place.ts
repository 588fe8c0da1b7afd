import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type WrappingKey, parseWrappingKey } from './wrapping.ts'

/** Where the wrapping key is kept, as `keys.wrapping` of the configuration says it. */
export type WrappingPlace =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'command'; readonly line: string }

const commandTimeout = 30_000

/** Reads `file:PATH`, `env:NAME` or `command:LINE`; null when it is none of them. A relative path is made absolute. */
export function parseWrappingPlace(text: string): WrappingPlace | null {
  const colon = text.indexOf(':')
  const rest = text.slice(colon + 1)
  if (rest === '') return null
  switch (text.slice(0, colon)) {
    case 'file':
      return { kind: 'file', path: resolve(rest) }
    case 'env':
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(rest) ? { kind: 'env', name: rest } : null
    case 'command':
      return { kind: 'command', line: rest }
    default:
      return null
  }
}

export function formatWrappingPlace(place: WrappingPlace): string {
  switch (place.kind) {
    case 'file':
      return `file:${place.path}`
    case 'env':
      return `env:${place.name}`
    case 'command':
      return `command:${place.line}`
    default:
      return place satisfies never
  }
}

/**
 * Makes the wrapping key if it is to be in a file that does not exist: 32 random octets in base64, readable by the owner alone, on disk
 * before this returns. Never touches a file that is there. Throws an Error in plain words for a place that can't be read as one.
 */
export function ensureWrappingKey(text: string): void {
  const place = parseWrappingPlace(text)
  if (place === null) throw new Error('keys.wrapping is not file:PATH, env:NAME or command:LINE')
  if (place.kind !== 'file' || existsSync(place.path)) return
  mkdirSync(dirname(place.path), { recursive: true, mode: 0o700 })
  const fresh = `${place.path}.${process.pid}.${randomBytes(6).toString('hex')}`
  writeDurably(fresh, `${randomBytes(32).toString('base64')}\n`)
  try {
    // A link, unlike a rename, does not replace a key that another process made in the meantime.
    linkSync(fresh, place.path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(fresh)
  }
  syncDirectory(dirname(place.path))
}

/** Fetches the wrapping key; for the signer only. Throws an Error in plain words that hold nothing of the key. */
export function fetchWrappingKey(text: string): WrappingKey {
  const place = parseWrappingPlace(text)
  if (place === null) throw new Error('keys.wrapping is not file:PATH, env:NAME or command:LINE')
  const octets = readPlace(place)
  const key = parseWrappingKey(octets)
  octets.fill(0)
  if (key === null)
    throw new Error(`the wrapping key (${place.kind}) is not 32 octets, plain, in base64 or in hexadecimal`)
  return key
}

function readPlace(place: WrappingPlace): Buffer {
  switch (place.kind) {
    case 'file':
      return readFileSync(place.path)
    case 'env': {
      const value = process.env[place.name]
      delete process.env[place.name]
      if (value === undefined) throw new Error(`the environment has no ${place.name}`)
      return Buffer.from(value)
    }
    case 'command':
      try {
        return execFileSync('/bin/sh', ['-c', place.line], {
          stdio: ['ignore', 'pipe', 'inherit'],
          timeout: commandTimeout,
        })
      } catch {
        throw new Error('the command of keys.wrapping failed')
      }
    default:
      return place satisfies never
  }
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
