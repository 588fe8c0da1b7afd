import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publicKeyText } from '../standards/dkim/key-record.ts'
import { type TakenKey, takeForeign } from './import.ts'
import { ensureWrappingKey, takeKeys, wrapAnew } from './index.ts'
import type { WrappedKey } from './protocol.ts'
import { fetchWrappingKey } from './wrapping-place.ts'
import { rewrap } from './rewrap.ts'
import { unwrapKey, wrapKey } from './wrapping.ts'

const directory = mkdtempSync(join(tmpdir(), 'anechoic-wrap-'))
const wrapping = `file:${join(directory, 'wrapping.key')}`
const other = `file:${join(directory, 'other.key')}`
const whose = { customer: 'acme', domain: 'acme.example', source: 'crm', selector: 'mail' }
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')

beforeAll(() => {
  ensureWrappingKey(wrapping)
  ensureWrappingKey(other)
})
afterAll(() => rmSync(directory, { recursive: true }))

const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString()
const base64 = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'der' }).toString('base64')
const seed = ed25519.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32)
const publicOctets = Buffer.from(publicKeyText(ed25519.publicKey), 'base64')

/** For each text, `p=` of what was taken, or why nothing was. */
function take(texts: readonly string[]): readonly string[] {
  const keys = texts.map((text) => ({ ...whose, privateKey: text }))
  return tell(takeForeign(JSON.stringify({ wrapping, keys })))
}

function tell(taken: readonly TakenKey[]): readonly string[] {
  return taken.map((one) => {
    if (one.kind === 'refused') return one.reason
    const der = unwrapKey(fetchWrappingKey(wrapping), one.key)
    if (der === null) return 'it does not open'
    return publicKeyText(createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))) === one.key.p
      ? one.key.p
      : 'another key is in it'
  })
}

describe('a key that was made elsewhere', () => {
  test('is taken in every form that mail programs keep', () => {
    const edPem = ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const rsa = [pem('pkcs1'), pem('pkcs8'), base64('pkcs1'), base64('pkcs8').replace(/.{64}/g, '$&\n')]
    const ed = [edPem, seed.toString('base64'), Buffer.concat([seed, publicOctets]).toString('base64')]
    expect(take([...rsa, ...ed])).toEqual([
      ...rsa.map(() => publicKeyText(publicKey)),
      ...ed.map(() => publicOctets.toString('base64')),
    ])
  })

  test('is refused in words that hold nothing of it', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    const cases = [
      [short.export({ type: 'pkcs8', format: 'pem' }), 'an RSA key of 1024 bits is not taken: 2048, 3072 and 4096 are'],
      [curve.export({ type: 'pkcs8', format: 'pem' }), 'a key of type ec signs no mail'],
      [locked, 'the private key is under a passphrase: take that off first'],
      [publicKey.export({ type: 'spki', format: 'pem' }), 'the PEM holds no private key'],
      [randomBytes(200).toString('base64'), 'the base64 holds no private key'],
      ['hello', 'it is neither PEM nor base64'],
    ] as const
    expect(take(cases.map(([text]) => text.toString()))).toEqual(cases.map(([, reason]) => reason))
  })

  const genkey = '/usr/sbin/opendkim-genkey'
  test.skipIf(!existsSync(genkey) && process.env['CI'] !== 'true')(
    'is taken as opendkim-genkey writes it',
    async () => {
      execFileSync(genkey, ['-b', '2048', '-d', 'acme.example', '-s', 'mail', '-D', directory], { stdio: 'ignore' })
      const record = readFileSync(join(directory, 'mail.txt'), 'utf8').replace(/[^"]*"([^"]*)"/g, '$1')
      const [p] = take([readFileSync(join(directory, 'mail.private'), 'utf8')])
      expect(record).toContain(`p=${p}`)
    },
  )
})

describe('wrapping anew', () => {
  const keyOf = (selector: string) => ({ ...whose, selector, algorithm: 'ed25519-sha256' }) as const
  const wrap = (selector: string) => wrapKey(fetchWrappingKey(wrapping), keyOf(selector), Buffer.from(selector))
  const anew = (to: string, keys: readonly WrappedKey[]) => rewrap(JSON.stringify({ wrapping, to, keys }))
  const opened = (place: string, key: WrappedKey, wrapped: string | null | undefined) =>
    unwrapKey(fetchWrappingKey(place), { ...key, wrapped: wrapped ?? '' })?.toString() ?? null

  test('opens under the other key alone, comes back as it is the second time, and null for a stranger', () => {
    const [one, two] = [wrap('one'), wrap('two')]
    const [fresh] = anew(other, [one])
    expect([opened(other, one, fresh), opened(wrapping, one, fresh)]).toEqual(['one', null])
    // A run that was broken off: one is done, the other is not.
    const again = anew(other, [{ ...one, wrapped: fresh ?? '' }, two])
    expect([again[0], opened(other, two, again[1])]).toEqual([fresh, 'two'])
    expect(anew(other, [{ ...one, domain: 'other.example' }])).toEqual([null])
    // Under the same key it tells what opens.
    expect(anew(wrapping, [one, { ...two, wrapped: fresh ?? '' }])).toEqual([one.wrapped, null])
  })

  test('an absent wrapping key, or one that is none, is told', () => {
    expect(() => anew(`file:${join(directory, 'absent.key')}`, [wrap('one')])).toThrow('absent.key')
    writeFileSync(join(directory, 'short.key'), 'short')
    expect(() => anew(`file:${join(directory, 'short.key')}`, [wrap('one')])).toThrow('is not 32 octets')
  })

  test('is done by a process that may read both wrapping keys, as taking is by one', { timeout: 60_000 }, async () => {
    const taken = await takeKeys(wrapping, [{ ...whose, privateKey: pem('pkcs8') }])
    expect(tell(taken)).toEqual([publicKeyText(publicKey)])
    const key = wrap('one')
    expect((await wrapAnew(wrapping, other, [key])).map((one) => opened(other, key, one))).toEqual(['one'])
  })
})
