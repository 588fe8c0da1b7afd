import { argon2Sync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../standards/secret.ts'
import { Fault } from '../../../standards/smtp/fault.ts'
import { PasswordVerifier } from './password.ts'

function hashOf(password: string, memory = 1024): string {
  const nonce = randomBytes(16)
  const hash = argon2Sync('argon2id', { message: password, nonce, parallelism: 1, tagLength: 32, memory, passes: 1 })
  const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},t=1,p=1$${base64(nonce)}$${base64(hash)}`
}

const word = (text: string) => new Secret(text)

describe('PasswordVerifier', () => {
  it('knows the right password, again and again', async () => {
    const verifier = new PasswordVerifier()
    const hash = hashOf('open sesame \u00fc')
    for (const at of [0, 1, 700_000]) {
      expect(await verifier.verify(hash, word('open sesame \u00fc'), at)).toBe(true)
      expect(await verifier.verify(hash, word('open sesame'), at)).toBe(false)
      expect(await verifier.verify(hash, word(''), at)).toBe(false)
    }
  })

  it('does not let a remembered password open another account', async () => {
    const verifier = new PasswordVerifier()
    expect(await verifier.verify(hashOf('a'), word('a'), 0)).toBe(true)
    expect(await verifier.verify(hashOf('b'), word('a'), 0)).toBe(false)
    expect(await verifier.verify(null, word('a'), 0)).toBe(false)
  })

  it.each([
    '',
    'plain',
    '$argon2i$v=19$m=1024,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAA$AAAA',
  ])('lets nobody in by the hash %j', async (hash) => {
    expect(await new PasswordVerifier().verify(hash, word(''), 0)).toBe(false)
  })

  it('refuses an endless password unread', async () => {
    const long = 'x'.repeat(5000)
    expect(await new PasswordVerifier().verify(hashOf(long), word(long), 0)).toBe(false)
  })

  it('serves a crowd in turn, and says 454 when it is too large', async () => {
    const verifier = new PasswordVerifier()
    const hash = hashOf('right')
    const answers = await Promise.allSettled(
      Array.from({ length: 300 }, (_, at) => verifier.verify(hash, word(at % 2 === 0 ? 'right' : `wrong ${at}`), 0)),
    )
    const failed = answers.filter((one) => one.status === 'rejected')
    expect(failed).toHaveLength(98)
    expect(failed.every((one) => one.reason instanceof Fault && one.reason.reply.code === 454)).toBe(true)
    expect(answers.every((one, at) => one.status === 'rejected' || one.value === (at % 2 === 0))).toBe(true)
    expect(await verifier.verify(hash, word('right'), 0)).toBe(true)
  })
})
