import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ensureWrappingKey, fetchWrappingKey, parseWrappingPlace } from './wrapping-place.ts'
import { type KeyIdentity, type WrappingKey, parseWrappingKey, unwrapKey, wrapKey } from './wrapping.ts'

const directory = mkdtempSync(join(tmpdir(), 'anechoic-wrapping-'))
afterAll(() => rmSync(directory, { recursive: true }))

const octets = Buffer.from(Array.from({ length: 32 }, (_none, index) => index * 7))
const wrapping = parseWrappingKey(octets) as WrappingKey
const identity: KeyIdentity = {
  selector: 'sel',
  domain: 'acme.example',
  source: 'acme-m365',
  customer: 'acme',
  algorithm: 'rsa-sha256',
}
const secret = Buffer.from('a private key')

describe('a wrapped key', () => {
  it('opens under its wrapping key and identity, and never looks the same twice', () => {
    const first = wrapKey(wrapping, identity, secret)
    const second = wrapKey(wrapping, identity, secret)
    expect(first.wrapped).toMatch(/^v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/=]+$/)
    expect(first.wrapped).not.toBe(second.wrapped)
    expect(unwrapKey(wrapping, first)).toEqual(secret)
  })

  it.each([
    { selector: 'se', domain: 'lacme.example' },
    { domain: 'evil.example' },
    { source: 'other' },
    { customer: 'other' },
    { algorithm: 'ed25519-sha256' },
  ] as const)('does not open as another identity: %j', (other) => {
    const key = wrapKey(wrapping, identity, secret)
    expect(unwrapKey(wrapping, { ...key, ...other })).toBeNull()
  })

  it('does not open under another wrapping key, or with any octet changed', () => {
    const key = wrapKey(wrapping, identity, secret)
    expect(unwrapKey(parseWrappingKey(Buffer.alloc(32, 9)) as WrappingKey, key)).toBeNull()
    const [version, nonce, sealed] = key.wrapped.split(':') as [string, string, string]
    const raw = Buffer.from(sealed, 'base64')
    for (let at = 0; at < raw.length; at++) {
      const spoiled = Buffer.from(raw)
      spoiled[at] = (spoiled[at] as number) ^ 1
      expect(unwrapKey(wrapping, { ...key, wrapped: `${version}:${nonce}:${spoiled.toString('base64')}` })).toBeNull()
    }
  })

  it.each([
    '',
    'v1',
    'v1::',
    'v2:AAAA:AAAA',
    'v1:AAAAAAAAAAAAAAAA:AAAA',
    'v1:AAAAAAAAAAAAAAAA:AAAA:AAAA',
    'not a blob',
  ])('is nothing as %j', (wrapped) => {
    expect(unwrapKey(wrapping, { ...identity, wrapped })).toBeNull()
  })
})

describe('a wrapping key', () => {
  it.each([
    ['32 octets', octets],
    ['base64', Buffer.from(`${octets.toString('base64')}\n`)],
    ['base64 without padding', Buffer.from(octets.toString('base64').replace('=', ''))],
    ['hexadecimal', Buffer.from(` ${octets.toString('hex').toUpperCase()}\r\n`)],
  ])('is read from %s', (_form, given) => {
    expect(parseWrappingKey(Buffer.from(given))?.export()).toEqual(octets)
  })

  it.each(['', 'short', 'A'.repeat(42), 'z'.repeat(64), `${'A'.repeat(44)}=`])('is not %j', (given) => {
    expect(parseWrappingKey(Buffer.from(given))).toBeNull()
  })

  it('is made once, for the owner alone', () => {
    const path = join(directory, 'deep', 'wrapping.key')
    ensureWrappingKey(`file:${path}`)
    const made = readFileSync(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    ensureWrappingKey(`file:${path}`)
    expect(readFileSync(path)).toEqual(made)
    expect(fetchWrappingKey(`file:${path}`).export()).toEqual(Buffer.from(made.toString(), 'base64'))
  })

  it('is never written over, not even a wrong one', () => {
    const path = join(directory, 'wrong.key')
    writeFileSync(path, 'wrong')
    ensureWrappingKey(`file:${path}`)
    expect(readFileSync(path, 'utf8')).toBe('wrong')
    expect(() => fetchWrappingKey(`file:${path}`)).toThrow('is not 32 octets')
  })

  it('comes from the environment, which then forgets it', () => {
    process.env['ANECHOIC_TEST_WRAPPING'] = octets.toString('hex')
    expect(fetchWrappingKey('env:ANECHOIC_TEST_WRAPPING').export()).toEqual(octets)
    expect(process.env['ANECHOIC_TEST_WRAPPING']).toBeUndefined()
    expect(() => fetchWrappingKey('env:ANECHOIC_TEST_WRAPPING')).toThrow('ANECHOIC_TEST_WRAPPING')
  })

  it('comes from a command', () => {
    expect(fetchWrappingKey(`command:printf ${octets.toString('hex')}`).export()).toEqual(octets)
    expect(() => fetchWrappingKey('command:exit 3')).toThrow('the command of keys.wrapping failed')
  })

  it('has three kinds of places', () => {
    expect(parseWrappingPlace('file:./a.key')).toEqual({ kind: 'file', path: resolve('a.key') })
    expect(parseWrappingPlace('command:a b:c')).toEqual({ kind: 'command', line: 'a b:c' })
    for (const text of ['', 'file:', 'a.key', 'env:A-B', 'vault:x']) expect(parseWrappingPlace(text)).toBeNull()
  })
})
