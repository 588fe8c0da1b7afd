import { argon2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseInstant } from './instant.ts'
import { isPasswordHash } from './password-hash.ts'

describe('a moment', () => {
  test.each([
    ['2027-02-01', Date.UTC(2027, 1, 1)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2026-11-01T00:00Z', Date.UTC(2026, 10, 1)],
    ['2026-11-01T08:30:15Z', Date.UTC(2026, 10, 1, 8, 30, 15)],
    ['2026-11-01T08:30:15.5Z', Date.UTC(2026, 10, 1, 8, 30, 15, 500)],
    ['2026-11-01T02:00+03:00', Date.UTC(2026, 9, 31, 23)],
    ['2026-11-01T02:00-05:30', Date.UTC(2026, 10, 1, 7, 30)],
  ])('%s', (text, moment) => expect(parseInstant(text)).toBe(moment))

  test.each([
    '',
    'soon',
    '2026',
    '2026-13-01',
    '2026-02-30',
    '2025-02-29',
    '2026-11-01T24:00Z',
    '2026-11-01T08:00',
    '2026-11-01 08:00Z',
    '2026-11-01T08:00+25:00',
    '0001-01-01',
    '2026-1-1',
  ])('%j is none', (text) => expect(isSyntaxFault(parseInstant(text))).toBe(true))
})

describe('a password hash', () => {
  const base64 = (octets: Buffer) => octets.toString('base64').replaceAll('=', '')
  const salt = Buffer.from('0123456789abcdef')

  test('is what argon2id makes', () => {
    const hash = argon2Sync('argon2id', {
      message: 'secret',
      nonce: salt,
      parallelism: 1,
      tagLength: 32,
      memory: 64,
      passes: 1,
    })
    expect(isPasswordHash(`$argon2id$v=19$m=64,t=1,p=1$${base64(salt)}$${base64(hash)}`)).toBe(true)
  })

  test.each([
    ['another function', '$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['another version', '$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['no version', '$argon2id$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['padding', '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWw=$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['a short salt', '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['a short hash', '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2g'],
    ['more memory than is bearable', '$argon2id$v=19$m=2097152,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['more passes than are bearable', '$argon2id$v=19$m=64,t=999,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['less memory than its lanes need', '$argon2id$v=19$m=8,t=1,p=2$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['an impossible length', '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzY$aGFzaGhhc2hoYXNoaGFzaGhhc2g'],
    ['nothing', ''],
  ])('is not one with %s', (_, text) => expect(isPasswordHash(text)).toBe(false))
})
