import fc from 'fast-check'
import { sealMessage } from 'mailauth'
import { beforeAll, describe, expect, it } from 'vitest'
import { BodyHashes } from '../dkim/body-hashes.ts'
import { recordOf, signatureField } from '../dkim/sign.fixture.ts'
import { openDkimVerification } from '../dkim/verification.ts'
import { cut, keysOf, verifyMessage } from '../dkim/verify.fixture.ts'
import { scanHeaderSection } from '../message/header-section.ts'
import { isSyntaxFault } from '../fault.ts'
import { type Hop, keys as chainKeys, message, sealedBy, zone } from './chain.fixture.ts'
import { openArcVerification } from './verification.ts'

/** Whatever comes in, verification answers: it throws nothing, and a signature passes only where all that it covers is as it was. */

const now = 1_800_000_000

const sealed = (hops: readonly Hop[], start?: Buffer) => sealedBy(sealMessage, hops, start)
const keys = keysOf({ ...zone, 'sel._domainkey.acme.example': [recordOf('rsa-sha256')] })
let whole: Buffer

beforeAll(async () => {
  const { section, body } = cut(message)
  if (section === null) throw new Error('no section')
  const names = 'From:From:To:To:Subject:Subject:Date:Date'
  const field = signatureField(section, body, { names, header: 'simple', body: 'simple' })
  whole = await sealed([{}, {}], Buffer.concat([Buffer.from(field, 'latin1'), message]))
})

const words = ['pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror']

describe('a message mutated anywhere', () => {
  it('is answered, and what was signed in simple form passes only unchanged', () => {
    expect(verifyMessage(whole, { keys, now })).toMatchObject({ dkim: [{ result: 'pass' }], arc: { result: 'pass' } })
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 5 }), fc.uint8Array({ maxLength: 4 }))
    const start = whole.indexOf('From: Alice')
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let octets = whole
        for (const [place, removed, added] of edits) {
          const at = place % octets.length
          octets = Buffer.concat([octets.subarray(0, at), added, octets.subarray(at + removed)])
        }
        const verdicts = verifyMessage(octets, { keys, now }, 50)
        if (verdicts === null) return
        for (const { result } of verdicts.dkim) expect(words).toContain(result)
        expect(['none', 'pass', 'fail']).toContain(verdicts.arc.result)
        if (!verdicts.dkim.some(({ result }) => result === 'pass')) return
        // Empty lines at the end, and fields above the signed ones, are all that a pass leaves open.
        const signed = octets.toString('latin1').replace(/(?:\r\n)+$/, '')
        const before = whole.toString('latin1').replace(/(?:\r\n)+$/, '')
        for (const line of before.slice(start).split('\r\n')) expect(signed).toContain(line)
        expect(signed.slice(signed.indexOf('\r\n\r\n'))).toBe(before.slice(before.indexOf('\r\n\r\n')))
      }),
      { numRuns: 1500 },
    )
  })

  it('made of the pieces of signatures is answered', () => {
    const piece = fc.constantFrom(
      'DKIM-Signature:',
      'ARC-Seal:',
      'ARC-Message-Signature:',
      'ARC-Authentication-Results:',
      ' i=1;',
      ' i=2;',
      ' i=',
      ' v=1;',
      ' a=rsa-sha256;',
      ' a=ed25519-sha256;',
      ' a=rsa-sha1;',
      ' c=simple/relaxed;',
      ' d=acme.example;',
      ' s=sel;',
      ' h=from:to;',
      ' bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;',
      ' b=AAAA;',
      ' b=',
      ' cv=none;',
      ' cv=pass;',
      ' l=0;',
      ' x=1;',
      '(',
      '\r\n',
      '\r\n ',
      'From: a@acme.example\r\n',
      '\r\n\r\n',
      '\xff',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const verdicts = verifyMessage(Buffer.from(pieces.join(''), 'latin1'), { keys, now })
        if (verdicts === null) return
        for (const { result } of verdicts.dkim) expect(result).not.toBe('pass')
        expect(verdicts.arc.result).not.toBe('pass')
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a header section as hostile as it may be', () => {
  const repeated = (field: string, count: number) => field.repeat(count)
  const names = Array.from({ length: 6000 }, (_one, at) => `x${at}`).join(':')
  it.each([
    [
      'a thousand signatures',
      repeated('DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=; b=\r\n', 1000),
    ],
    ['a long h=', `DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from:${names}; bh=AAAA; b=AAAA\r\n`],
    ['many long h=', repeated(`DKIM-Signature: h=from:${'a:'.repeat(5000)}b\r\n`, 20)],
    ['semicolons', `DKIM-Signature: ${';'.repeat(60_000)}\r\n`],
    ['blanks', `DKIM-Signature: b=${' '.repeat(60_000)}x\r\n`],
    ['comments', `ARC-Authentication-Results: ${'('.repeat(60_000)}\r\n`],
    ['many comments', `ARC-Authentication-Results: ${'()'.repeat(30_000)}\r\n`],
    ['ARC sets without end', repeated('ARC-Seal: i=1; cv=none\r\n', 1000)],
    [
      'a quoted identity',
      `DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=${'A'.repeat(43)}=; b=AA==; i="${'\\"'.repeat(30_000)}\r\n`,
    ],
  ])('%s: is read in one go', (_what, header) => {
    const section = scanHeaderSection(Buffer.from(`${header}From: a@a.example\r\n`))
    if (isSyntaxFault(section)) {
      expect(section.reason).toMatch(/^the header section has more than/)
      return
    }
    const bodies = new BodyHashes()
    const dkim = openDkimVerification(section, bodies).conclude({ keys: chainKeys, now })
    const arc = openArcVerification(section, bodies).conclude({ keys: chainKeys, now })
    expect([...dkim.map(({ result }) => result), arc.result]).not.toContain('pass')
    expect(arc.result === 'none' || arc.reason !== '').toBe(true)
  })
})
