import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { scanHeaderSection } from '../../../standards/message/header-section.ts'
import { cleanHeader, removalOf } from './header-hygiene.ts'

function clean(...fields: readonly string[]) {
  const section = scanHeaderSection(Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1'))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  const { header, removed } = cleanHeader(section)
  return { left: header.toString('latin1').split('\r\n').slice(0, -1), removed }
}

const author = 'From: Alice <alice@acme.example>'
const signature = (names: string) =>
  `DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=selector1;\r\n\th=${names};\r\n bh=AAAA; b=BBBB`

describe('cleanHeader', () => {
  it('takes out what the provider stamped, whatever its case, and folded fields whole', () => {
    const { left, removed } = clean(
      author,
      'X-OriginatorOrg: acme.example',
      'x-ms-exchange-crosstenant-id:\r\n\t3dd8961f-e488-4e60-8e11-a82d994e183d',
      'X-MS-Has-Attach: ',
      'X-Forefront-Antispam-Report:\r\n CIP:255.255.255.255;\r\n DIR:OUT',
      'X-Microsoft-Antispam: BCL:0;',
      'Authentication-Results: mx; dkim=pass',
      'Received-SPF: pass',
      'Return-Path: <a@b.example>',
      'Bcc: secret@acme.example',
      'Subject: hi',
    )
    expect(left).toEqual([author, 'Subject: hi'])
    expect(removed).toEqual([
      'x-originatororg',
      'x-ms-exchange-crosstenant-id',
      'x-ms-has-attach',
      'x-forefront-antispam-report',
      'x-microsoft-antispam',
      'authentication-results',
      'received-spf',
      'return-path',
      'bcc',
    ])
  })

  it.each([
    'X_OriginatorOrg: a',
    'X-Originator-Org: a',
    'X-OriginatorOrg : a',
    'X-Originator\xad-Org: a',
    'XMS-Exchange-CrossTenant-Id: a',
    'X--MS-Exchange-Organization-AuthAs: Internal',
    'Authentication_Results: a',
  ])('takes out the look-alike %j', (field) => {
    expect(clean(author, field).left).toEqual([author])
  })

  it('leaves everything else as it is, octet for octet', () => {
    const fields = [
      'Received: from a\r\n\tby b; Tue, 24 Nov 2026 09:00:00 +0000',
      author,
      'X-MSMail-Priority: Normal',
      'X-Mailer:  two  spaces ',
      'Subject: =?utf-8?q?X-MS-?=\r\n folded\r\n   \t more',
      'X-SFMC-Stack: 1',
      'X-Originating-IP: [192.0.2.1]',
      'List-Unsubscribe: <https://acme.example/u>',
    ]
    const text = fields.map((field) => `${field}\r\n`).join('')
    const section = scanHeaderSection(Buffer.from(text))
    if (isSyntaxFault(section)) throw new Error(section.reason)
    expect(cleanHeader(section)).toEqual({ header: Buffer.from(text), removed: [] })
  })

  it('takes out a signature that covers what was removed, and only that', () => {
    const broken = signature('From:Date:Subject:Message-ID:Content-Type:MIME-Version:\r\n X-MS-Exchange-SenderADCheck')
    const whole = signature('From:Date:Subject')
    const { left, removed } = clean(broken, whole, 'x-ms-exchange-senderadcheck: 1', author)
    expect(left.join('\r\n')).toBe(`${whole}\r\n${author}`)
    expect(removed).toEqual(['dkim-signature', 'x-ms-exchange-senderadcheck'])
  })

  it('leaves a signature that only names a field which was not there', () => {
    const oversigned = signature('From:Subject:X-MS-Exchange-SenderADCheck:Bcc')
    expect(clean(oversigned, author, 'X-OriginatorOrg: a').left.join('\r\n')).toBe(`${oversigned}\r\n${author}`)
  })

  it('takes out all ARC sets when one is broken, and the signatures that covered them', () => {
    const set = (names: string) => [
      'ARC-Seal: i=1; a=rsa-sha256; s=a; d=microsoft.com; cv=none; b=AAAA',
      `ARC-Message-Signature: i=1; a=rsa-sha256; d=microsoft.com; s=a; h=${names}; bh=AAAA; b=AAAA`,
      'ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass',
    ]
    const broken = set('From:Date:X-MS-Exchange-AntiSpam-MessageData-ChunkCount')
    const covering = signature('From:ARC-Seal')
    const { left, removed } = clean(covering, ...broken, author, 'X-MS-Exchange-AntiSpam-MessageData-ChunkCount: 1')
    expect(left).toEqual([author])
    expect(removed.filter((name) => name.startsWith('arc-'))).toHaveLength(3)
    expect(clean(...set('From:Date'), author, 'X-MS-TNEF-Correlator: ').left).toEqual([...set('From:Date'), author])
  })

  it('keeps a signature whose tags cannot be read', () => {
    expect(clean('DKIM-Signature: nonsense', author, 'X-OriginatorOrg: a').left).toEqual([
      'DKIM-Signature: nonsense',
      author,
    ])
  })

  it('leaves no trust field standing, and every other field in its place, on any mixture', () => {
    const trust = fc.constantFrom(
      'X-MS-Exchange-CrossTenant-Id: a',
      'x-originatororg: b',
      'X-FOREFRONT-Antispam-Report: c',
      'Bcc: d',
    )
    const honest = fc.constantFrom(author, 'Subject: hi', 'X-Custom: 1', 'X-Custom: 2', 'To: x@y.example')
    fc.assert(
      fc.property(fc.array(fc.oneof(trust, honest), { minLength: 1, maxLength: 30 }), (fields) => {
        const { left, removed } = clean(...fields)
        const wanted = fields.filter((field) => !/^(?:x-ms-|x-originatororg|x-forefront|bcc)/i.test(field))
        expect(left).toEqual(wanted)
        expect(removed).toHaveLength(fields.length - wanted.length)
      }),
      { numRuns: 200 },
    )
  })

  it('takes out a set of ARC that lost one of its fields', () => {
    const seal = 'ARC-Seal: i=1; a=rsa-sha256; s=a; d=microsoft.com; cv=none; b=AAAA'
    const results = 'ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass'
    expect(clean(seal, results, author).left).toEqual([author])
  })

  it('takes out results that bear our own name like all others, and writes none', () => {
    const forged = 'Authentication-Results: relay.example.net; dkim=pass header.d=acme.example; dmarc=pass'
    expect(clean(forged, author)).toEqual({ left: [author], removed: ['authentication-results'] })
  })

  it.each(['X-SNPS-Relay: synopsys.com', 'X-Acme-Relay-Secret: 7', 'X-Relay-Token: 7', 'X-Anechoic-Customer: acme'])(
    'takes out %j, which was for the relay alone',
    (field) => expect(clean(author, field).left).toEqual([author]),
  )

  it.each([
    ['x-ms-exchange-crosstenant-id', 'provider-stamps'],
    ['x-relaying-domain', 'provider-stamps'],
    ['x-forefront-antispam-report', 'provider-verdicts'],
    ['authentication-results', 'results'],
    ['x-b-relay', 'shared-secrets'],
    ['x--relay', null],
    ['x-relay', null],
    ['relay-token', null],
    ['subject', null],
    ['from', null],
    ['received', null],
    ['dkim-signature', null],
  ])('%s goes by the row %s', (name, row) => {
    expect(removalOf(name)?.id ?? null).toBe(row)
  })
})
