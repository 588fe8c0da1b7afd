import fc from 'fast-check'
import { sealMessage } from 'mailauth'
import { arc } from 'mailauth/lib/arc/index.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { describe, expect, it } from 'vitest'
import { BodyHashes } from '../dkim/body-hashes.ts'
import type { KeyAnswer } from '../dkim/key-answers.ts'
import { cut, keysOf, verifyMessage } from '../dkim/verify.fixture.ts'
import { keys, type Hop, message, sealedBy, zone } from './chain.fixture.ts'
import type { ArcResult } from './result.ts'
import { openArcVerification } from './verification.ts'

const now = 1_800_000_000

const sealed = (hops: readonly Hop[], start?: Buffer) => sealedBy(sealMessage, hops, start)

function arcOf(octets: Buffer, answers = keys): ArcResult {
  const verdicts = verifyMessage(octets, { keys: answers, now })
  if (verdicts === null) throw new Error('the message has no header section')
  return verdicts.arc
}

/** The same message with a part of it replaced; the part must be there. */
function altered(octets: Buffer, from: string | RegExp, to: string): Buffer {
  const text = octets.toString('latin1')
  const other = text.replace(from, to)
  expect(other).not.toBe(text)
  return Buffer.from(other, 'latin1')
}

describe('a chain', () => {
  it('is none without ARC fields', () => {
    expect(arcOf(message)).toEqual({ result: 'none', reason: 'there is no ARC set', temporary: false, sets: [] })
  })

  it('passes, and tells each of its sets', async () => {
    const verdict = arcOf(await sealed([{}, {}, {}]))
    expect(verdict).toMatchObject({ result: 'pass', temporary: false })
    expect(verdict.sets).toMatchObject([
      { instance: 1, messageSignature: null, seal: { result: 'pass', chainValidation: 'none', keyBits: 2048 } },
      { instance: 2, messageSignature: null, seal: { result: 'pass', chainValidation: 'pass', keyBits: 256 } },
      {
        instance: 3,
        authenticationResults: expect.stringMatching(/^hop3\.example;\s*spf=pass smtp\.mailfrom=acme\.example$/),
        messageSignature: {
          result: 'pass',
          domain: 'hop.example',
          selector: 'rsa',
          uncoveredOctets: 0,
          identity: null,
        },
        seal: { result: 'pass', domain: 'hop.example', selector: 'rsa', algorithm: 'rsa-sha256', keyBits: 2048 },
      },
    ])
    expect(verdict.sets[2]?.messageSignature?.signedFields).toContain('from')
  })

  it('passes with fifty sets and not with one more', async () => {
    const hops = Array.from({ length: 50 }, () => ({ algorithm: 'ed25519-sha256' as const }))
    const long = await sealed(hops)
    expect(arcOf(long)).toMatchObject({ result: 'pass' })
    const extra = long.toString('latin1').match(/^ARC-Seal:(?:.|\r\n[ \t])*\r\n/m)?.[0] ?? ''
    expect(arcOf(Buffer.concat([Buffer.from(extra), long]))).toMatchObject({
      result: 'fail',
      reason: 'there are more than 50 ARC sets',
    })
  })

  it('needs the keys of every seal and of the newest message signature, each once', async () => {
    const { section } = cut(await sealed([{}, {}, {}]))
    if (section === null) throw new Error('no section')
    const { needs } = openArcVerification(section, new BodyHashes())
    expect(needs.map((need) => need.name).toSorted()).toEqual([
      'ed._domainkey.hop.example',
      'rsa._domainkey.hop.example',
    ])
  })

  const breaks: readonly (readonly [string, string | RegExp, string, RegExp])[] = [
    ['the body changes', 'Hello  there', 'Hullo  there', /newest message signature: the body/],
    ['a signed field changes', 'Subject:  hello', 'Subject: other', /newest message signature: the signature/],
    ['an older result changes', 'hop1.example', 'evil.example', /^seal 2: the signature does not verify$/],
    ['a seal is lost', /ARC-Seal: i=1;(?:.|\r\n[ \t])*\r\n/, '', /missing or lacks a field/],
    ['a set is doubled', /(ARC-Authentication-Results: i=1;(?:.|\r\n[ \t])*\r\n)/, '$1$1', /two fields of one kind/],
    ['an instance is 0', 'ARC-Seal: i=1;', 'ARC-Seal: i=0;', /no instance from 1 to 50/],
    ['a seal has h=', 'ARC-Seal: i=2;', 'ARC-Seal: i=2; h=from;', /an ARC-Seal has h=/],
    ['a tag list is broken', 'ARC-Seal: i=2;', 'ARC-Seal: i=2;;', /a tag has no value/],
    ['cv= is a word of its own', 'cv=pass', 'cv=maybe', /cv= is none of/],
    ['the newest seal says fail', 'cv=pass', 'cv=fail', /the newest seal says/],
    ['the newest seal says none', 'cv=pass', 'cv=none', /a seal says something else/],
    ['the oldest seal says pass', 'cv=none', 'cv=pass', /a seal says something else/],
  ]
  it.each(breaks)('fails when %s', async (_what, from, to, reason) => {
    const whole = await sealed([{}, {}])
    const verdict = arcOf(altered(whole, from, to))
    expect(verdict).toMatchObject({ result: 'fail', temporary: false })
    expect(verdict.reason).toMatch(reason)
  })

  it('of which the first message signature no longer holds still passes', async () => {
    const changed = altered(await sealed([{}]), 'Subject:  hello', 'Subject: [list] hello')
    expect(arcOf(changed).result).toBe('fail')
    expect(arcOf(await sealed([{ cv: 'pass' }], changed))).toMatchObject({ result: 'pass', sets: [{}, {}] })
  })

  it('whose newest message signature signs a seal fails', async () => {
    const verdict = arcOf(altered(await sealed([{}]), / h=[^;]*/, ' h=From:ARC-Seal'))
    expect(verdict).toMatchObject({ result: 'fail', reason: 'the newest message signature: h= names ARC-Seal' })
  })

  it('with l= in the newest message signature tells how much is open', async () => {
    const verdict = arcOf(
      altered(await sealed([{}]), 'ARC-Message-Signature: i=1;', 'ARC-Message-Signature: i=1; l=3;'),
    )
    expect(verdict.sets[0]?.messageSignature).toMatchObject({ bodyLength: 3, uncoveredOctets: 10, result: 'fail' })
  })
})

describe('the keys of a chain', () => {
  const answers = (change: Record<string, readonly string[] | 'unavailable'>) => keysOf({ ...zone, ...change })

  it('that cannot be looked up make it fail for now', async () => {
    const whole = await sealed([{}, {}])
    const verdict = arcOf(whole, answers({ 'rsa._domainkey.hop.example': 'unavailable' }))
    expect(verdict).toMatchObject({ result: 'fail', temporary: true, reason: 'seal 1: the key could not be looked up' })
    expect(arcOf(whole, new Map<string, KeyAnswer>()).temporary).toBe(true)
  })

  it('that cannot be looked up hide no lasting failure', async () => {
    const whole = altered(await sealed([{}, {}, {}]), 'hop1.example', 'evil.example')
    const verdict = arcOf(whole, answers({ 'rsa._domainkey.hop.example': 'unavailable' }))
    expect(verdict).toMatchObject({ result: 'fail', temporary: false, reason: 'seal 2: the signature does not verify' })
  })

  it('that are revoked or too small make it fail', async () => {
    const whole = await sealed([{}])
    expect(arcOf(whole, answers({ 'rsa._domainkey.hop.example': ['v=DKIM1; p='] }))).toMatchObject({
      result: 'fail',
      temporary: false,
      reason: 'the newest message signature: the key is revoked',
    })
  })
})

async function mailauthSays(octets: Buffer): Promise<string> {
  const resolver = (name: string) => {
    const records = zone[name.toLowerCase()]
    return records === undefined
      ? Promise.reject(Object.assign(new Error(name), { code: 'ENOTFOUND' }))
      : Promise.resolve(records.map((text) => [text]))
  }
  const options = { resolver, strict: true, minBitLength: 1024 }
  const verified = await dkimVerify(octets, { ...options, curTime: new Date(now * 1000) })
  const { status } = await arc((verified as unknown as { arc: Parameters<typeof arc>[0] }).arc, options)
  return status.result
}

describe('ARC beside mailauth', () => {
  it('gives the same result in its strict mode, whatever was done to the chain', async () => {
    const chains = await Promise.all(
      [[{}], [{}, {}], [{}, {}, {}], [{}, { cv: 'fail' as const }]].map((hops) => sealed(hops)),
    )
    const seen = new Set<string>()
    const change = fc.constantFrom<readonly [string | RegExp, string]>(
      ['', ''],
      ['ARC-Seal: ', 'arc-seal:\t'],
      ['ARC-Seal: i=1;', 'ARC-Seal: i=01;'],
      ['ARC-Message-Signature: i=1', 'ARC-Message-Signature: i=2'],
      ['ARC-Authentication-Results: i=1;', 'ARC-Authentication-Results: i=3;'],
      [/ARC-Message-Signature: i=1;(?:.|\r\n[ \t])*\r\n/, ''],
      ['cv=none', 'cv=None'],
      ['cv=none', 'cv='],
      ['cv=none; ', ''],
      ['cv=none', 'cv=none; cv=none'],
      ['a=rsa-sha256', 'a=rsa-sha1'],
      ['a=ed25519-sha256', 'a=rsa-sha256'],
      ['d=hop.example', 'd=hip.example'],
      ['s=rsa', 's=none'],
      ['Subject:  hello', 'Subject: hello'],
      ['Subject:  hello', 'Subject: hallo'],
      ['To: ', 'To:  '],
      [/\r\n\r\n$/, '\r\n\r\n\r\n\r\n'],
      [/$/, 'more'],
      ['spf=pass', 'spf=fail'],
      [/ b=(.)/, ' b= $1'],
      [/ b=(.)/, ' b=$1\r\n '],
      [/; s=/, ' ;\r\n\ts = '],
      ['From: ', 'X-New: x\r\nFrom: '],
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...chains), fc.array(change, { maxLength: 2 }), async (chain, changes) => {
        const text = changes.reduce((whole, [from, to]) => whole.replace(from, to), chain.toString('latin1'))
        const octets = Buffer.from(text, 'latin1')
        const ours = arcOf(octets)
        seen.add(ours.reason)
        expect(await mailauthSays(octets), `${ours.result} here: ${ours.reason}`).toBe(ours.result)
      }),
      { numRuns: 250 },
    )
    expect(seen.size).toBeGreaterThan(6)
  }, 60_000)
})
