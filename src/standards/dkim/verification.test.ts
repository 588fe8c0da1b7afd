import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SignatureAlgorithm } from './algorithm.ts'
import { BodyHashes } from './body-hashes.ts'
import { formatKeyRecord, publicKeyText } from './key-record.ts'
import {
  type Signing,
  bodies,
  headers,
  pairs,
  recordOf,
  scanned,
  signatureField,
  signedMessage,
} from './sign.fixture.ts'
import type { SignatureResult } from './signature-result.ts'
import { mostFaulty, mostSignatures, openDkimVerification } from './verification.ts'
import { cut, keysOf, verifyDkim, verifyMessage } from './verify.fixture.ts'

const name = 'sel._domainkey.acme.example'
const now = 1_800_000_000
const header = headers['plain'] ?? ''
const body = Buffer.from('Hello  there\r\n\r\n')

function verdictOf(message: Buffer, records: readonly string[] | 'unavailable' = [recordOf('rsa-sha256')]) {
  const [first] = verifyDkim(message, { keys: keysOf({ [name]: records }), now })
  return first as SignatureResult
}

function signed(signing: Signing = {}): Buffer {
  return signedMessage(header, body, signing)
}

describe('a signature', () => {
  const forms = ['simple', 'relaxed'] as const
  const algorithms: readonly SignatureAlgorithm[] = ['rsa-sha256', 'ed25519-sha256']
  const matrix = algorithms.flatMap((algorithm) =>
    forms.flatMap((headerForm) => forms.map((bodyForm) => ({ algorithm, header: headerForm, body: bodyForm }))),
  )

  it.each(matrix)('by $algorithm verifies over every header and body, $header/$body', (signing) => {
    for (const [headerName, one] of Object.entries(headers)) {
      for (const [bodyName, content] of Object.entries(bodies)) {
        const message = signedMessage(one, content, signing)
        expect(verdictOf(message, [recordOf(signing.algorithm)]), `${headerName} ${bodyName}`).toMatchObject({
          result: 'pass',
          uncoveredOctets: 0,
          headerCanonicalisation: signing.header,
          bodyCanonicalisation: signing.body,
          algorithm: signing.algorithm,
          keyBits: signing.algorithm === 'rsa-sha256' ? 2048 : 256,
          testing: false,
        })
      }
    }
  })

  it.each(matrix)('by $algorithm fails once body or a signed field is another, $header/$body', (signing) => {
    const text = signedMessage(header, body, signing).toString('latin1')
    for (const [from, to] of [
      ['Hello', 'Hullo'],
      ['Subject: hello', 'Subject: hallo'],
      ['To: bob@far.example', 'To: bob@far.example\r\nTo: carl@far.example'],
    ] as const) {
      const changed = text.replace(from, to)
      expect(verdictOf(Buffer.from(changed, 'latin1'), [recordOf(signing.algorithm)]).result).toBe('fail')
    }
  })

  it('tells what it says of itself', () => {
    const message = signed({ tags: 't=1700000000; x=1900000000; i=ann@mail.acme.example; ' })
    expect(verdictOf(message)).toMatchObject({
      domain: 'acme.example',
      selector: 'sel',
      identity: 'ann@mail.acme.example',
      signedFields: ['from', 'to', 'subject'],
      signedAt: 1_700_000_000,
      expiresAt: 1_900_000_000,
      bodyLength: null,
      result: 'pass',
    })
    expect(verdictOf(signed()).identity).toBe('@acme.example')
  })

  it('does not depend on how the body was cut into chunks', () => {
    for (const size of [1, 3, 7, 1000]) {
      const verdicts = verifyMessage(signed(), { keys: keysOf({ [name]: [recordOf('rsa-sha256')] }), now }, size)
      expect(verdicts?.dkim[0]?.result).toBe('pass')
    }
  })

  it('relaxed, does not mind what relaxed canonicalisation removes; simple, does', () => {
    const reshaped = (message: Buffer) =>
      message
        .toString('latin1')
        .replace('Subject: hello', 'SUBJECT :\t hello ')
        .replace('Hello  there', 'Hello there \t')
    expect(verdictOf(Buffer.from(reshaped(signed()), 'latin1')).result).toBe('pass')
    const simple = signed({ header: 'simple', body: 'simple' })
    expect(verdictOf(Buffer.from(reshaped(simple), 'latin1')).result).toBe('fail')
  })

  it('takes repeated fields from the bottom, and an absent one as nothing', () => {
    const message = signedMessage(headers['repeated'] ?? '', body, { names: 'From:Subject:Subject:To:Cc' })
    expect(verdictOf(message).result).toBe('pass')
    const text = message.toString('latin1')
    const changed = (from: string, to: string) => verdictOf(Buffer.from(text.replace(from, to), 'latin1')).result
    expect(changed('Subject: first', 'Subject: other')).toBe('fail')
    expect(changed('To: a@far', 'To: x@far')).toBe('pass')
    expect(changed('To: b@far', 'To: x@far')).toBe('fail')
    expect(changed('From: ', 'Cc: x@far.example\r\nFrom: ')).toBe('fail')
  })

  it('may name other signatures, and never itself', () => {
    const inner = signed()
    const { section, body: content } = cut(inner)
    const outer = signedMessage(section?.bytes.toString('latin1') ?? '', content, {
      names: 'From:DKIM-Signature:DKIM-Signature',
    })
    const results = verifyDkim(outer, { keys: keysOf({ [name]: [recordOf('rsa-sha256')] }), now })
    expect(results.map(({ result }) => result)).toEqual(['pass', 'pass'])
  })
})

describe('what is no pass', () => {
  const fields: readonly (readonly [string, Signing, string, string])[] = [
    ['an AUID outside d=', { tags: 'i=@evil.example; ' }, 'permerror', 'i= is not at or below d='],
    ['an AUID that merely ends like d=', { tags: 'i=@notacme.example; ' }, 'permerror', 'i= is not at or below d='],
    ['q= without dns/txt', { tags: 'q=http/get; ' }, 'permerror', 'q= has no method that counts'],
    ['a repeated tag', { tags: 'd=acme.example; ' }, 'permerror', 'a tag occurs twice'],
    ['From unsigned', { names: 'To:Subject' }, 'permerror', 'h= does not name From'],
    ['an empty name in h=', { names: 'From::To' }, 'permerror', 'h= has a malformed field name'],
    ['another version', { first: 'v=2; d=acme.example; s=sel; ' }, 'permerror', 'v= is not 1'],
    ['no selector', { first: 'v=1; d=acme.example; ' }, 'permerror', 's= is not a selector'],
    ['x= before t=', { tags: 't=100; x=50; ' }, 'permerror', 'x= is not later than t='],
    ['an expired one', { tags: `t=100; x=${now - 1}; ` }, 'policy', 'the signature has expired'],
    ['l= longer than the body', { length: 1000 }, 'permerror', 'l= is longer than the body'],
  ]
  it.each(fields)('%s', (_what, signing, result, reason) => {
    expect(verdictOf(signed(signing))).toMatchObject({ result, reason })
  })

  it('an expired one is told only after its last second', () => {
    expect(verdictOf(signed({ tags: `t=100; x=${now}; ` })).result).toBe('pass')
  })

  it('one that says it is of tomorrow is a matter for the reader', () => {
    expect(verdictOf(signed({ tags: `t=${now + 86_400}; ` }))).toMatchObject({ result: 'pass', signedAt: now + 86_400 })
  })

  const key = publicKeyText(pairs['rsa-sha256'].publicKey)
  const records: readonly (readonly [string, readonly string[] | 'unavailable', string, string])[] = [
    ['a revoked key', ['v=DKIM1; p='], 'permerror', 'the key is revoked'],
    ['no key', [], 'permerror', 'there is no key record'],
    ['DNS trouble', 'unavailable', 'temperror', 'the key could not be looked up'],
    ['another version', [`v=DKIM2; p=${key}`], 'permerror', 'there is no key record'],
    ['v= that is not first', [`p=${key}; v=DKIM1`], 'permerror', 'v= is not DKIM1 or does not stand first'],
    ['sha256 not allowed', [`v=DKIM1; h=sha1; p=${key}`], 'permerror', 'h= does not allow sha256'],
    ['a key not for mail', [`v=DKIM1; s=chat; p=${key}`], 'permerror', 's= does not allow mail'],
    ['an unknown key type', [`v=DKIM1; k=x; p=${key}`], 'permerror', 'k= is no key type that counts'],
    ['a key of another type', [recordOf('ed25519-sha256')], 'permerror', 'the key is of another type than a= says'],
    ['no p=', ['v=DKIM1; k=rsa'], 'permerror', 'p= is absent'],
    ['octets that are no key', ['v=DKIM1; p=AAAA'], 'permerror', 'the key cannot be read'],
    ['two keys', [`v=DKIM1; p=${key}`, `v=DKIM1; n=x; p=${key}`], 'permerror', 'there is more than one key record'],
    ['a huge record', [`v=DKIM1; n=${'x'.repeat(9000)}; p=${key}`], 'permerror', 'the key record is too long'],
    [
      'a heap of records',
      Array.from({ length: 30 }, (_one, at) => `v=DKIM1; n=${at}; p=`),
      'permerror',
      'there are too many key records',
    ],
  ]
  it.each(records)('%s', (_what, found, result, reason) => {
    expect(verdictOf(signed(), found)).toMatchObject({ result, reason })
  })

  it('an RSA key below 1024 bits, whatever it verifies; 1024 is enough', () => {
    for (const [modulusLength, result] of [
      [768, 'policy'],
      [1024, 'pass'],
    ] as const) {
      const pair = generateKeyPairSync('rsa', { modulusLength })
      const record = formatKeyRecord('rsa-sha256', publicKeyText(pair.publicKey))
      expect(verdictOf(signed({ key: pair.privateKey }), [record])).toMatchObject({ result, keyBits: modulusLength })
    }
  })

  it('a key with an exponent that nobody uses', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024, publicExponent: 65_537 })
    const { n = '' } = pair.publicKey.export({ format: 'jwk' })
    const modulus = Buffer.from(n, 'base64url')
    const integer = (octets: Buffer) =>
      Buffer.concat([Buffer.from([2, 0x82, octets.length >> 8, octets.length & 255]), octets])
    const content = Buffer.concat([integer(Buffer.concat([Buffer.of(0), modulus])), integer(Buffer.alloc(9, 0x55))])
    const rsaPublicKey = Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 255]), content])
    const record = `v=DKIM1; p=${rsaPublicKey.toString('base64')}`
    expect(verdictOf(signed(), [record]).reason).toBe('the RSA key has an exponent that is not used')
  })

  it('t=s with an AUID below d=; with d= itself, or none, it passes', () => {
    const strict = [recordOf('rsa-sha256', ' t=y:s;')]
    expect(verdictOf(signed({ tags: 'i=@mail.acme.example; ' }), strict)).toMatchObject({
      result: 'permerror',
      reason: 'i= is below d=, which the key record forbids',
      testing: true,
    })
    expect(verdictOf(signed({ tags: 'i=ann@acme.example; ' }), strict)).toMatchObject({ result: 'pass', testing: true })
    expect(verdictOf(signed(), strict).result).toBe('pass')
  })

  it('rsa-sha1, though what is wrong with its key is told', () => {
    const old = Buffer.from(signed().toString('latin1').replace('rsa-sha256', 'rsa-sha1'), 'latin1')
    expect(verdictOf(old)).toMatchObject({ result: 'policy', reason: 'rsa-sha1 proves nothing', algorithm: 'rsa-sha1' })
    expect(verdictOf(old, 'unavailable').result).toBe('temperror')
    expect(verdictOf(old, ['v=DKIM1; p='])).toMatchObject({ result: 'permerror', reason: 'the key is revoked' })
  })
})

describe('l=', () => {
  it('is told with what it leaves open, when nothing was added too', () => {
    const message = signed({ length: 5 })
    expect(verdictOf(message)).toMatchObject({ result: 'pass', bodyLength: 5, uncoveredOctets: 8 })
    const grown = Buffer.concat([message, Buffer.from('Buy now!\r\n')])
    expect(verdictOf(grown)).toMatchObject({ result: 'pass', bodyLength: 5, uncoveredOctets: 20 })
    expect(verdictOf(signed({ length: 13 }))).toMatchObject({ result: 'pass', uncoveredOctets: 0 })
    expect(verdictOf(signed({ length: 0, body: 'simple' }))).toMatchObject({ result: 'pass', uncoveredOctets: 14 })
  })
})

describe('the key record', () => {
  const key = publicKeyText(pairs['rsa-sha256'].publicKey)

  it.each([
    ['without v=', [`p=${key}`]],
    ['for sha1 and sha256', [`v=DKIM1; h=sha1:sha256; s=*; n=note; unknown=x; p=${key}`]],
    ['beside one of another type', [recordOf('ed25519-sha256'), `v=DKIM1; p=${key}`]],
    ['beside records of other uses', ['v=spf1 -all', `v=DKIM1; p=${key}`, 'v=DKIM10; p=']],
    ['twice the same', [`v=DKIM1; p=${key}`, `v=DKIM1; p=${key}`]],
    [
      'as a bare RSAPublicKey',
      [`p=${pairs['rsa-sha256'].publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')}`],
    ],
  ])('counts %s', (_what, records) => {
    expect(verdictOf(signed(), records).result).toBe('pass')
  })

  it('is needed once for each name, in lower case', () => {
    const other = signatureField(scanned(header), body, { first: 'v=1; d=ACME.example; s=Sel; ' })
    const twice = Buffer.concat([Buffer.from(other, 'latin1'), signed()])
    const { section } = cut(twice)
    const { needs } = openDkimVerification(section ?? scanned(header), new BodyHashes())
    expect(needs).toEqual([{ name, domain: 'acme.example', selector: expect.stringMatching(/^sel$/i) }])
    expect(
      verifyDkim(twice, { keys: keysOf({ [name]: [recordOf('rsa-sha256')] }), now }).map((one) => one.result),
    ).toEqual(['pass', 'pass'])
  })

  it('that was not looked up is trouble, not absence', () => {
    expect(verifyDkim(signed(), { keys: new Map(), now })[0]?.result).toBe('temperror')
  })
})

describe('a message', () => {
  it('without signatures has no results', () => {
    expect(verifyDkim(Buffer.from(`${header}\r\n`), { keys: new Map(), now })).toEqual([])
  })

  it('with more signatures than are verified has the rest neutral', () => {
    const field = signatureField(scanned(header), body, {})
    const message = Buffer.from(`${field.repeat(mostSignatures + 3)}${header}\r\n${body.toString()}`, 'latin1')
    const results = verifyDkim(message, { keys: keysOf({ [name]: [recordOf('rsa-sha256')] }), now })
    expect(results.map(({ result }) => result)).toEqual([
      ...Array.from({ length: mostSignatures }, () => 'pass'),
      'neutral',
      'neutral',
      'neutral',
    ])
  })

  it('padded with fields that are no signatures has nothing below them verified', () => {
    const results = (count: number) => {
      const message = Buffer.concat([Buffer.from('DKIM-Signature: x\r\n'.repeat(count)), signed()])
      return verifyDkim(message, { keys: keysOf({ [name]: [recordOf('rsa-sha256')] }), now }).at(-1)?.result
    }
    expect(results(mostFaulty - 1)).toBe('pass')
    expect(results(mostFaulty)).toBe('neutral')
  })

  it('with a line that only looks like a signature or a signed field is not led astray', () => {
    const text = signed().toString('latin1')
    const disguised = text.replace('To: bob', 'Sub ject: other\r\nTo: bob')
    expect(verdictOf(Buffer.from(disguised, 'latin1')).result).toBe('pass')
    expect(verifyDkim(Buffer.from(text.replace('DKIM-', 'DKIM -'), 'latin1'), { keys: new Map(), now })).toEqual([])
  })
})
