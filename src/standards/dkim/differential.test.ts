import fc from 'fast-check'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { describe, expect, it } from 'vitest'
import { type Signing, bodies, headers, recordOf, signedMessage } from './sign.fixture.ts'
import type { SignatureResult } from './signature-result.ts'
import { keysOf, verifyDkim } from './verify.fixture.ts'

/** mailauth beside us, on messages that both are asked about. */

const now = 1_800_000_000
const name = 'sel._domainkey.acme.example'

async function mailauthSays(message: Buffer, record: string, strict: boolean): Promise<string> {
  const { results } = await dkimVerify(message, {
    strict,
    minBitLength: 1024,
    curTime: new Date(now * 1000),
    resolver: (asked: string, type: string) =>
      asked.toLowerCase() === name && type === 'TXT'
        ? Promise.resolve([[record]])
        : Promise.reject(Object.assign(new Error(asked), { code: 'ENOTFOUND' })),
  })
  return results[0]?.status.result ?? 'none'
}

function weSay(message: Buffer, record: string): SignatureResult {
  const [first] = verifyDkim(message, { keys: keysOf({ [name]: [record] }), now })
  if (first === undefined) throw new Error('there is no signature')
  return first
}

const signing: fc.Arbitrary<Signing> = fc.record({
  algorithm: fc.constantFrom('rsa-sha256' as const, 'ed25519-sha256' as const),
  header: fc.constantFrom('simple' as const, 'relaxed' as const),
  body: fc.constantFrom('simple' as const, 'relaxed' as const),
  names: fc.constantFrom(
    'From:To:Subject',
    'from : to : subject : date',
    'From:From:Subject:Subject:Subject:Cc',
    'To:Received:From',
    'From:X-Absent:References',
    'To:Subject',
  ),
  tags: fc
    .uniqueArray(
      fc.constantFrom(
        't=1799999000; ',
        `x=${now + 50}; `,
        `x=${now - 50}; `,
        'i=@acme.example; ',
        'i=ann=2Bx@mail.acme.example; ',
        'q=dns/txt; ',
        'q=x : dns/txt; ',
        'z=From:a|To:b; ',
        'unknown=1; ',
      ),
      { maxLength: 3, selector: (tag) => tag[0] },
    )
    .map((tags) => tags.join('')),
})

/** What may happen to a message on the way, and what it starts from. */
const journey = fc.record({
  signing,
  header: fc.constantFrom(...Object.values(headers)),
  body: fc.oneof(
    fc.constantFrom(...Object.entries(bodies).flatMap(([key, body]) => (key === 'large' ? [] : [body]))),
    fc
      .array(fc.constantFrom(' ', '\t', '\r\n', '\r\n\r\n', 'x', ' word', '\xe9', '.', '--'), { maxLength: 25 })
      .map((pieces) => Buffer.from(pieces.join(''), 'latin1')),
  ),
  flags: fc.constantFrom('', ' t=y;', ' t=s;', ' t=y:s;', ' n=x;'),
  change: fc.constantFrom<readonly [string | RegExp, string]>(
    ['', ''],
    ['Subject: ', 'Subject:  '],
    ['Subject: ', 'SUBJECT: '],
    ['To: ', 'To:\r\n '],
    [/\r\n$/, ' \r\n'],
    [/$/, '\r\n\r\n'],
    [/$/, 'more'],
    ['From: ', 'X-New: 1\r\nFrom: '],
    ['From: ', 'From: second@acme.example\r\nFrom: '],
    ['From: ', 'Cc: someone@far.example\r\nFrom: '],
    ['Subject: ', 'Subject: another\r\nSubject: '],
    ['DKIM-Signature: ', 'DKIM-Signature:  '],
    ['h=', ' h='],
    ['bh=', 'bh= '],
    ['b=', 'b=\r\n\t'],
  ),
})

function messageOf({ signing: how, header, body, change }: typeof journey extends fc.Arbitrary<infer T> ? T : never) {
  return Buffer.from(signedMessage(header, body, how).toString('latin1').replace(change[0], change[1]), 'latin1')
}

describe('DKIM beside mailauth', () => {
  it('passes in its strict mode what passes here, and nothing else', async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(journey, async (one) => {
        const record = recordOf(one.signing.algorithm ?? 'rsa-sha256', one.flags)
        const message = messageOf(one)
        const ours = weSay(message, record)
        const theirs = await mailauthSays(message, record, true)
        if (ours.result === 'pass') passed++
        expect(theirs === 'pass', `${theirs} there, ${ours.result} here: ${ours.reason}`).toBe(ours.result === 'pass')
      }),
      { numRuns: 250 },
    )
    expect(passed).toBeGreaterThan(40)
  }, 60_000)

  /** What it passes unless it is told to be strict, and what is wrong with that. */
  const knownWrongPasses: readonly (readonly [string, Signing, string, string])[] = [
    [
      't=s with i= outside d=',
      { tags: 'i=@mail.acme.example; ' },
      ' t=s;',
      'i= is below d=, which the key record forbids',
    ],
    ['q= without dns/txt', { tags: 'q=http/get; ' }, '', 'q= has no method that counts'],
    ['i= of another domain', { tags: 'i=@evil.example; ' }, '', 'i= is not at or below d='],
    ['i= without a domain', { tags: 'i=ann; ' }, '', 'i= has no @'],
    ['i= with a local part that is none', { tags: 'i=a..b@acme.example; ' }, '', 'i= has a malformed local part'],
    ['a repeated tag', { tags: 'd=acme.example; ' }, '', 'a tag occurs twice'],
    ['another version', { first: 'v=2; d=acme.example; s=sel; ' }, '', 'v= is not 1'],
  ]
  it.each(knownWrongPasses)('known wrong pass: %s', async (_what, how, flags, reason) => {
    const message = signedMessage(headers['plain'] ?? '', Buffer.from('Hello\r\n'), how)
    const record = recordOf('rsa-sha256', flags)
    expect(await mailauthSays(message, record, false)).toBe('pass')
    expect(weSay(message, record)).toMatchObject({ result: 'permerror', reason })
  })

  /** What passes here and not there: above all the forms of the drafts before RFC 4871. */
  const passesHereOnly: readonly (readonly [string, Signing])[] = [
    ['no version', { first: 'd=acme.example; s=sel; ' }],
    ['version 0.5', { first: 'v=0.5; d=acme.example; s=sel; ' }],
    ['q=dns', { tags: 'q=dns; ' }],
    // RFC 6376 §3.5: the field that is being verified is never among the signed ones.
    ['a further DKIM-Signature forbidden in h=', { names: 'From:DKIM-Signature' }],
  ]
  it.each(passesHereOnly)('known strictness: %s', async (_what, how) => {
    const message = signedMessage(headers['plain'] ?? '', Buffer.from('Hello\r\n'), how)
    expect(await mailauthSays(message, recordOf('rsa-sha256'), true)).not.toBe('pass')
    expect(weSay(message, recordOf('rsa-sha256')).result).toBe('pass')
  })

  it('l= covers the same octets', async () => {
    for (const form of ['simple', 'relaxed'] as const) {
      for (const length of [0, 1, 5, 8, 9]) {
        const message = signedMessage(headers['plain'] ?? '', Buffer.from('a  b\r\nc\r\n\r\n'), { body: form, length })
        const record = recordOf('rsa-sha256')
        const grown = Buffer.concat([message, Buffer.from('and more\r\n')])
        for (const one of [message, grown]) {
          const theirs = await mailauthSays(one, record, true)
          expect(weSay(one, record).result === 'pass', `${form} ${length}`).toBe(theirs === 'pass')
        }
      }
    }
  })
})
