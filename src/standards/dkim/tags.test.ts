import { KeyObject, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatKeyRecord, parseKeyRecord, publicKeyOf, publicKeyText } from './key-record.ts'
import { parseSignatureTags } from './signature-tags.ts'
import { parseTagList } from './tag-list.ts'

const hash = Buffer.alloc(32, 1).toString('base64')
const whole = `v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.example; s=sel; t=100; x=200;\r\n h=From : to:\r\n subject; bh=${hash}; b=AAAA\r\n AAAA`

function reasonOf(value: unknown): string | null {
  return isSyntaxFault(value) ? value.reason : null
}

describe('the tags of a DKIM-Signature', () => {
  it('are read, with white space where the grammar allows it', () => {
    expect(parseSignatureTags(whole)).toEqual({
      algorithm: 'rsa-sha256',
      domain: 'acme.example',
      selector: 'sel',
      headerCanonicalisation: 'relaxed',
      bodyCanonicalisation: 'relaxed',
      signedFields: ['from', 'to', 'subject'],
      bodyHash: Buffer.alloc(32, 1),
      signature: Buffer.alloc(6),
      bodyLength: null,
      signedAt: 100,
      expiresAt: 200,
      identity: null,
    })
  })

  it('default to simple/simple (RFC 6376 §3.5)', () => {
    expect(parseSignatureTags(whole.replace('c=relaxed/relaxed; ', ''))).toMatchObject({
      headerCanonicalisation: 'simple',
      bodyCanonicalisation: 'simple',
    })
    expect(parseSignatureTags(whole.replace('relaxed/relaxed', 'relaxed'))).toMatchObject({
      bodyCanonicalisation: 'simple',
    })
  })

  it.each([
    ['@acme.example', '@acme.example'],
    ['ann@Sub.Acme.example', 'ann@sub.acme.example'],
    ['a=3Db@acme.example', 'a=b@acme.example'],
    [' "a=20b"\r\n @acme.example', '"a b"@acme.example'],
  ])('have %j as an identity', (text, identity) => {
    expect(parseSignatureTags(whole.replace('t=100', `t=100; i=${text}`))).toMatchObject({ identity })
  })

  it('take q= when one of its methods is dns/txt', () => {
    expect(parseSignatureTags(whole.replace('t=100', 't=100; q=http : dns/txt'))).toMatchObject({ selector: 'sel' })
  })

  it.each([
    ['v=1; ', ''],
    ['v=1', 'v=0.5'],
    ['t=100', 't=100; q=dns'],
  ])('are read in the form of the drafts before RFC 4871: %j as %j', (from, to) => {
    expect(parseSignatureTags(whole.replace(from, to))).toMatchObject({ selector: 'sel', domain: 'acme.example' })
  })

  it.each([
    ['v=1', 'v=2'],
    ['rsa-sha256', 'rsa-sha1'],
    ['d=acme.example', 'd='],
    ['d=acme.example', 'd=acme..example'],
    ['d=acme.example', 'd=acme.example; d=evil.example'],
    ['s=sel', 's='],
    ['s=sel', 's=a/b'],
    ['c=relaxed/relaxed', 'c=relaxed/nofws'],
    ['From :', ''],
    ['subject', 'sub ject:'],
    [`bh=${hash}`, 'bh=AAAA'],
    ['b=AAAA', 'b=AAA!'],
    ['b=AAAA', 'B=AAAA'],
    ['x=200', 'x=100'],
    ['t=100', 't=-1'],
    ['t=100', 't=100; i=@evil.example'],
    ['t=100', 't=100; i=acme.example'],
    ['t=100', 't=100; i=@acme.example.evil.example'],
    ['t=100', 't=100; i=a b@'],
    ['t=100', 't=100; i=a..b@acme.example'],
    ['t=100', 't=100; i=a=4@acme.example'],
    ['t=100', 't=100; i=a=3b@acme.example'],
    ['t=100', 't=100; q=other'],
    ['t=100', 't=100; q=dns/special:http'],
    ['t=100', 't=100; l=x'],
    ['t=100', 't=100; novalue'],
    ['t=100', 't=100; 1x=2'],
    ['t=100', 't=100; n=\xe9'],
  ])('are a fault with %j as %j', (from, to) => {
    expect(whole).toContain(from)
    expect(reasonOf(parseSignatureTags(whole.replace(from, to)))).not.toBeNull()
  })
})

describe('a key record', () => {
  it.each([
    ['rsa-sha256', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey],
    ['ed25519-sha256', generateKeyPairSync('ed25519').publicKey],
  ] as const)('of %s is made and read back', (algorithm, key) => {
    const record = parseKeyRecord(formatKeyRecord(algorithm, publicKeyText(key)))
    if (isSyntaxFault(record)) throw new Error(record.reason)
    const read = publicKeyOf(record)
    if (isSyntaxFault(read)) throw new Error(read.reason)
    expect(read.equals(key)).toBe(true)
  })

  it('without a key is a revoked one', () => {
    const record = parseKeyRecord('v=DKIM1; p=')
    if (isSyntaxFault(record)) throw new Error(record.reason)
    expect(record.publicKey).toHaveLength(0)
    expect(reasonOf(publicKeyOf(record))).toBe('the key is revoked')
  })

  it.each([
    'v=spf1 -all',
    'k=rsa; v=DKIM1; p=AAAA',
    'v=DKIM1; k=dsa; p=AAAA',
    'v=DKIM1; h=sha1; p=AAAA',
    'v=DKIM1; s=chat; p=AAAA',
    'v=DKIM1; k=rsa',
    'v=DKIM1; p=A',
    '',
  ])('%j is a fault', (text) => {
    expect(reasonOf(parseKeyRecord(text))).not.toBeNull()
  })

  it.each([
    'v=DKIM1; p=AAAA',
    'v=DKIM1; k=ed25519; p=AAAA',
    'p=MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ])('%j holds no such key', (text) => {
    const record = parseKeyRecord(text)
    if (isSyntaxFault(record)) throw new Error(record.reason)
    expect(reasonOf(publicKeyOf(record))).not.toBeNull()
  })
})

describe('the public key of a record', () => {
  it('of another type than k= says is told apart from octets that are no key', () => {
    const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    const reason = (p: string) => {
      const record = parseKeyRecord(`v=DKIM1; p=${p}`)
      return isSyntaxFault(record) ? record.reason : reasonOf(publicKeyOf(record))
    }
    expect(reason(ed25519)).toBe('the key is of another type than k= says')
    expect(reason('AAAA')).toBe('the key cannot be read')
  })

  it('may be a bare RSAPublicKey', () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    const p = key.export({ type: 'pkcs1', format: 'der' }).toString('base64')
    const record = parseKeyRecord(`v=DKIM1; p=${p}`)
    if (isSyntaxFault(record)) throw new Error(record.reason)
    expect(publicKeyOf(record)).toSatisfy((read: unknown) => read instanceof KeyObject && read.equals(key))
  })
})

describe('mutated tag lists', () => {
  it('are read or are a fault; nothing is thrown', () => {
    const piece = fc.constantFrom(...whole.split(/(?<=[;=: ])/), ';', '=', '\r\n', ' ', '\x00', 'é', 'p=', 'k=rsa;')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('')
        for (const parse of [parseTagList, parseSignatureTags, parseKeyRecord])
          expect(typeof parse(text)).toBe('object')
      }),
      { numRuns: 500 },
    )
  })

  it('take time in proportion to their length', () => {
    for (const text of [
      'a='.repeat(32_000),
      `a=${' '.repeat(65_000)}x`,
      ';'.repeat(65_000),
      `a=${'\r\n'.repeat(32_000)}`,
    ]) {
      const began = performance.now()
      parseSignatureTags(text)
      expect(performance.now() - began).toBeLessThan(500)
    }
    expect(reasonOf(parseTagList('a'.repeat(70_000)))).toBe('the tag list is too long')
  })
})
