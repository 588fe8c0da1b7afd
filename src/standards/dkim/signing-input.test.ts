import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { type HeaderSection, scanHeaderSection } from '../message/header-section.ts'
import type { Domain } from '../names/domain.ts'
import { buildSignature } from './build-signature.ts'
import { readSigningInput } from './signing-input.ts'

const rest = 'To: bob@far.example\r\nTo: carol@far.example\r\nSubject: hello\r\n there\r\nList-Id: <l.acme.example>\r\n'

function inputFor(from: string): Buffer {
  const draft = buildSignature({
    section: scanHeaderSection(Buffer.from(`From: ${from}\r\n${rest}`)) as HeaderSection,
    domain: 'acme.example' as Domain,
    selector: 'sel-1',
    algorithm: 'rsa-sha256',
    bodyHash: Buffer.alloc(32),
    signedAt: 1_800_000_000,
  })
  if (isSyntaxFault(draft)) throw new Error(draft.reason)
  return draft.signingInput
}

function reasonOf(input: Buffer): string | null {
  const read = readSigningInput(input)
  return isSyntaxFault(read) ? read.reason : null
}

const honest = inputFor('alice@acme.example').toString('latin1')

describe('a signing input', () => {
  it.each([
    ['alice@acme.example', 'acme.example'],
    ['<alice@ACME.example>', 'acme.example'],
    ['Alice B. Carroll <alice@acme.example>', 'acme.example'],
    ['"Alice, <mallory@evil.example>" <alice@acme.example>', 'acme.example'],
    ['"quoted \\" <x@evil.example>" <alice@acme.example>', 'acme.example'],
    ['alice@acme.example (Alice Acme)', 'acme.example'],
    ['"al ice@evil.example"@acme.example', 'acme.example'],
    ['Çiğdem <cigdem@bücher.example>', 'xn--bcher-kva.example'],
    ['=?utf-8?q?Alice?= <alice@mail.acme.example>', 'mail.acme.example'],
  ])('names the author domain of From: %s', (from, domain) => {
    const read = readSigningInput(inputFor(from))
    if (isSyntaxFault(read)) throw new Error(read.reason)
    expect(read.author).toBe(domain)
    expect(read.signature).toMatchObject({ domain: 'acme.example', selector: 'sel-1', algorithm: 'rsa-sha256' })
  })

  it.each([
    'alice@acme.example, mallory@evil.example',
    'mallory@evil.example <alice@acme.example>',
    '<alice@acme.example> <mallory@evil.example>',
    '<alice@acme.example>mallory@evil.example',
    '<@evil.example:alice@acme.example>',
    '<alice@evil.example@acme.example>',
    'group: alice@acme.example;',
    'alice@acme.example; mallory@evil.example',
    'alice@acme.example mallory@evil.example',
    '"alice@acme.example',
    'alice@acme.example (',
    'alice@acme.example) x',
    'alice@[192.0.2.1]',
    '@acme.example',
    'alice@',
    'alice',
    '<>',
    '',
    'alice\\@acme.example',
    'alice@acme.example\0',
  ])('has no author domain with From: %j', (from) => {
    expect(reasonOf(inputFor(from))).not.toBeNull()
  })

  it.each([
    ['from:alice@acme.example\r\n', ''],
    ['from:alice', 'from:mallory@evil.example\r\nfrom:alice'],
    ['from:alice', 'From:alice'],
    ['to:bob', 'cc:bob'],
    ['to:bob', 'x-added:1\r\nto:bob'],
    ['subject:hello', 'subject:\nhello'],
    ['subject:hello', 'subject:\rhello'],
    ['h=from:from:', 'h=from:'],
    ['h=from:from:', 'h=to:from:from:'],
    ['c=relaxed/relaxed', 'c=relaxed/simple'],
    ['d=acme.example;', 'd=acme.example; l=0;'],
    ['d=acme.example;', 'd=acme.example; d=evil.example;'],
    ['x=1800604800', 'x=1800604801'],
    ['x=1800604800; ', ''],
    ['t=1800000000; ', ''],
    ['; b=', '; b=AAAA'],
    ['; b=', '; b=; z=1'],
    ['v=1; ', ''],
    ['v=1; ', 'v=0.5; '],
    ['dkim-signature:', 'dkim-signatures:'],
    ['dkim-signature:', 'dkim-signature :'],
  ])('is a fault with %j as %j', (part, other) => {
    expect(honest).toContain(part)
    expect(reasonOf(Buffer.from(honest, 'latin1'))).toBeNull()
    expect(reasonOf(Buffer.from(honest.replace(part, other), 'latin1'))).not.toBeNull()
  })

  it.each(['', '\r\n', 'from:a@b.example', `${honest}\r\n`, `${honest}\r\nfrom:x@evil.example`, '\r\n'.repeat(50_000)])(
    'is a fault as %.40j',
    (input) => {
      expect(reasonOf(Buffer.from(input, 'latin1'))).not.toBeNull()
    },
  )

  it('mutated anywhere, is read or is a fault; nothing is thrown', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat({ max: 6 }), (place, octet, length) => {
        const at = place % honest.length
        const changed = `${honest.slice(0, at)}${String.fromCharCode(octet).repeat(length)}${honest.slice(at + 1)}`
        expect(typeof readSigningInput(Buffer.from(changed, 'latin1'))).toBe('object')
      }),
      { numRuns: 1000 },
    )
  })
})
