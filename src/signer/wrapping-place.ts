import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ensureKeyFile } from '../platform/key-file.ts'
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
  if (place.kind !== 'file') return
  ensureKeyFile(place.path)
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
