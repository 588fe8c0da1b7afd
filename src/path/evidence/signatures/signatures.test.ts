import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Made, certificate } from '../../../../lab/world/faulty-certificates.ts'
import {
  type ArcOrder,
  type DkimOrder,
  arcKeyName,
  exchangeFields,
  keyNameOf,
  keyRecord,
  sealedResults,
  withArc,
  withDkim,
} from '../../../../lab/world/provider-signatures.ts'
import type { EvidenceDemand } from '../../../rooms/registry/index.ts'
import { RelaxedBodyHash } from '../../../standards/dkim/index.ts'
import { signatureQuestion } from '../../decision/index.ts'
import { mailbox } from '../../decision/testing/evidence.ts'
import {
  acme,
  acmeTenant,
  acmeWith,
  domain,
  grant,
  network,
  now,
  owned,
  policyOf,
} from '../../decision/testing/policy.ts'
import type { Session } from '../../ingress/index.ts'
import { type Evidence, openEvidence } from '../index.ts'
import { dnsFrom, session, transaction } from '../testing/occasion.ts'

const folder = mkdtempSync(join(tmpdir(), 'evidence-signatures-'))
let exchange: Made
beforeAll(async () => {
  const dates = { notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 86_400_000) }
  const root = await certificate({ subject: 'CN=Root', ...dates })
  const names = ['mail.protection.outlook.com']
  exchange = await certificate({ subject: 'CN=mail.protection.outlook.com', issuer: root, dnsNames: names, ...dates })
  writeFileSync(join(folder, 'ca.pem'), root.pem)
})
afterAll(() => rmSync(folder, { recursive: true }))

const nothing = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => nothing }

const mailboxStamps = [
  'x-ms-exchange-senderadcheck: 1',
  'X-OriginatorOrg: acme.example',
  'X-MS-Exchange-CrossTenant-AuthAs: Internal',
  'X-MS-Exchange-CrossTenant-fromentityheader: Hosted',
  `X-MS-Exchange-CrossTenant-id: ${acmeTenant}`,
  'X-MS-Exchange-CrossTenant-Network-Message-Id: 0d98eed3-bc91-4265-35e5-08d9fa4db302',
]
const onPremStamps = [
  'X-MS-Exchange-SenderADCheck: 1',
  'X-OriginatorOrg: acme.example',
  'X-MS-Exchange-CrossTenant-AuthAs: Anonymous',
  'X-MS-Exchange-CrossTenant-FromEntityHeader: HybridOnPrem',
  `X-MS-Exchange-CrossTenant-Id: ${acmeTenant}`,
  `X-MS-Exchange-CrossTenant-OriginalAttributedTenantConnectingIp: TenantId=${acmeTenant};Ip=[198.51.100.7];Helo=[a]`,
]

type Case = {
  readonly from?: string
  readonly stamps?: readonly string[]
  readonly more?: readonly string[]
  readonly dkim?: readonly DkimOrder[]
  readonly arc?: readonly ArcOrder[]
  /** Changes what was signed. */
  readonly alter?: (text: string) => string
  readonly demand?: { readonly dkim?: EvidenceDemand; readonly arc?: EvidenceDemand }
  /** Names that get no answer. */
  readonly timeouts?: readonly string[]
  /** Names without a record. */
  readonly absent?: readonly string[]
  readonly google?: boolean
  readonly body?: string
  readonly customer?: typeof acme
}

type Seen = { readonly evidence: Evidence; readonly asked: readonly string[] }

/** What the room finds of a message that was signed by an implementation which is not ours. */
async function seen(one: Case): Promise<Seen> {
  const { from = 'Alice <alice@acme.example>', stamps = mailboxStamps, more = [], dkim = [], arc = [] } = one
  const lines = [
    `From: ${from}`,
    'To: bob@dest.example',
    'Subject: hi',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    'Message-ID: <1@acme.example>',
    'MIME-Version: 1.0',
    ...more,
    ...(one.google === true ? [] : stamps),
  ]
  let text: Buffer = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${one.body ?? 'Hello  there\r\n\r\n'}`)
  for (const order of dkim) text = await withDkim(text, order)
  for (const order of arc) text = await withArc(text, order)
  if (one.alter !== undefined) text = Buffer.from(one.alter(text.toString('latin1')), 'latin1')
  const end = text.indexOf('\r\n\r\n')
  const body = text.subarray(end + 4)
  const hash = new RelaxedBodyHash()
  hash.update(body)
  const names = [...dkim.map(keyNameOf), ...arc.map(({ sealer }) => arcKeyName(sealer))]
  const answers = Object.fromEntries(
    names.map((name) => [
      `txt ${name}`,
      one.timeouts?.includes(name) === true ? 'timeout' : one.absent?.includes(name) === true ? [] : [keyRecord()],
    ]),
  ) as Parameters<typeof dnsFrom>[0]
  const dns = dnsFrom(answers)
  const room = openEvidence({
    providers: {
      m365: {
        networks: [network('127.0.0.2')],
        clientCertificate: { names: ['mail.protection.outlook.com'], ca: join(folder, 'ca.pem') },
        fcrdns: 'off',
      },
      google: { networks: [network('127.0.0.3')] },
    },
    limits: { maxHeaderBytes: 20_000, maxHeaderFields: 100 },
    dns,
    clock: { now: () => now },
    log: nothing,
  })
  const demand = { dkim: one.demand?.dkim ?? 'off', arc: one.demand?.arc ?? 'off' } as const
  const customer = one.customer ?? acme
  const policy = policyOf([{ ...customer, grants: customer.grants.map((held) => ({ ...held, evidence: demand })) }])
  const client: Session =
    one.google === true ? session({ address: '127.0.0.3' }) : session({ address: '127.0.0.2', chain: [exchange.der] })
  const evidence = await room.gather({
    session: client,
    transaction: transaction(mailbox('alice@acme.example'), [mailbox('bob@dest.example')]),
    message: {
      header: text.subarray(0, end + 2),
      body: [body],
      size: text.length,
      relaxedBodyHash: hash.digest(),
      eightBit: false,
    },
    policy,
    ask: (soFar) => signatureQuestion(soFar, policy, now),
    now,
  })
  return { evidence, asked: dns.asked }
}

async function m365Of(one: Case): Promise<NonNullable<Evidence['m365']> & { readonly asked: readonly string[] }> {
  const { evidence, asked } = await seen(one)
  if (evidence.m365 === null) throw new Error('the connection did not prove Microsoft 365')
  return { ...evidence.m365, asked }
}

const acmeKey: DkimOrder = { domain: 'acme.example' }
const initialKey: DkimOrder = { domain: 'acme.onmicrosoft.com', selector: 'selector1-acme-onmicrosoft-com' }
const strangerKey: DkimOrder = { domain: 'globex.example' }
const hostedSet: ArcOrder = { results: sealedResults.hosted('acme.example') }
const prefer = { dkim: 'prefer', arc: 'prefer' } as const

describe("Exchange Online's DKIM", () => {
  it.each([
    ['the author domain', [acmeKey]],
    ['the recorded initial domain', [initialKey]],
    ['the author domain, below a broken one', [acmeKey, { ...acmeKey, bodyLength: 3 }]],
  ])('passes by the key of %s', async (_, dkim) => {
    expect(await m365Of({ dkim, demand: prefer })).toMatchObject({
      dkim: 'pass',
      arc: 'none',
      conflicts: [],
      doubts: [],
    })
  })

  it('passes with a body under simple canonicalisation, which is hashed again', async () => {
    const dkim = [{ ...acmeKey, canonicalization: 'simple/simple' as const }]
    const body = 'line\r\n'.repeat(400_000)
    expect(await m365Of({ dkim, body, demand: prefer })).toMatchObject({ dkim: 'pass' })
  })

  it('passes by the key of the owned domain that includes the author domain', async () => {
    const customer = acmeWith({
      domains: [owned('acme', 'acme.example', { includeSubdomains: true })],
      grants: [grant('acme', 'acme-m365', ['acme.example'])],
    })
    const from = 'alice@mail.acme.example'
    expect(await m365Of({ from, dkim: [acmeKey], customer, demand: prefer })).toMatchObject({ dkim: 'pass' })
  })

  it.each([
    ['does not cover SenderADCheck', { ...acmeKey, fields: exchangeFields.slice(0, -1) }, /does not cover X-MS/],
    ['leaves octets of the body uncovered', { ...acmeKey, bodyLength: 3 }, /uncovered/],
  ])('fails where it %s', async (_, order, words) => {
    const found = await m365Of({ dkim: [order], demand: prefer })
    expect(found).toMatchObject({ dkim: 'fail', conflicts: [] })
    expect(found.findings.join()).toMatch(words)
  })

  it('fails where From or the body was altered, and the key is not there or revoked', async () => {
    const alterFrom = (text: string) => text.replace('Alice <alice@', 'Alice <mallory@')
    const alterBody = (text: string) => text.replace('Hello', 'Hullo')
    for (const one of [{ alter: alterFrom }, { alter: alterBody }, { absent: [keyNameOf(acmeKey)] }])
      expect(await m365Of({ dkim: [acmeKey], demand: prefer, ...one })).toMatchObject({ dkim: 'fail', conflicts: [] })
  })

  it('is none where no signature is of the domains that count', async () => {
    expect(await m365Of({ demand: prefer })).toMatchObject({ dkim: 'none', arc: 'none', asked: [] })
    const stamps = onPremStamps
    const third = { ...strangerKey, fields: ['From', 'Subject'] }
    const found = await m365Of({ stamps, dkim: [third], demand: prefer })
    expect(found).toMatchObject({ dkim: 'none', conflicts: [], asked: [] })
  })

  it('is temperror where the key cannot be looked up', async () => {
    const one = { dkim: [acmeKey], demand: prefer, timeouts: [keyNameOf(acmeKey)] }
    expect(await m365Of(one)).toMatchObject({ dkim: 'temperror', conflicts: [], doubts: [] })
  })

  it('contradicts where a genuine signature names somebody else, in every mode', async () => {
    for (const demand of [{}, prefer, { dkim: 'require' as const }]) {
      const found = await m365Of({ dkim: [strangerKey], demand })
      expect(found.conflicts).toEqual(['valid DKIM of globex.example on a message of acme.example'])
      const other = { domain: 'evil.onmicrosoft.com', selector: 'selector1-evil-onmicrosoft-com' }
      expect((await m365Of({ dkim: [other], stamps: onPremStamps, demand })).conflicts).toHaveLength(1)
    }
  })

  it('contradicts nothing where that signature is not genuine, and leaves it open where the key cannot be had', async () => {
    const alter = (text: string) => text.replace('Hello', 'Hullo')
    expect(await m365Of({ dkim: [strangerKey], alter })).toMatchObject({ conflicts: [], doubts: [] })
    const open = await m365Of({ dkim: [strangerKey], timeouts: [keyNameOf(strangerKey)] })
    expect(open.doubts).toEqual(['DKIM of globex.example on a message of acme.example'])
  })

  it('takes an initial domain that nobody recorded for the tenant’s own', async () => {
    const [m365, ...others] = acme.sources
    if (m365?.kind !== 'm365') throw new Error('the first source of the cast is another')
    const customer = acmeWith({ sources: [{ ...m365, initialDomain: null }, ...others] })
    expect(await m365Of({ dkim: [initialKey], customer, demand: prefer })).toMatchObject({
      dkim: 'none',
      conflicts: [],
    })
  })
})

describe("Exchange Online's ARC", () => {
  it('passes with one set of the hosted shape', async () => {
    expect(await m365Of({ arc: [hostedSet], demand: prefer })).toMatchObject({ arc: 'pass', conflicts: [] })
  })

  it.each([
    ['the shape of the consumer service', [{ results: sealedResults.consumer() }], /does not name the author/],
    [
      'another host’s results',
      [{ results: hostedSet.results.replace('mx.microsoft.com 1', 'mx.evil.example') }],
      /another host/,
    ],
    ['another sealer', [{ ...hostedSet, sealer: 'evil.example' }], /not sealed by Microsoft/],
    [
      'DMARC that did not pass',
      [{ results: hostedSet.results.replace('dmarc=pass', 'dmarc=fail') }],
      /dmarc did not pass/,
    ],
    ['a set before the newest', [hostedSet, { ...hostedSet, cv: 'pass' as const }], /number 2/],
    ['a chain that had failed', [{ ...hostedSet, cv: 'fail' as const }], /ARC/],
  ])('fails with %s', async (_, arc, words) => {
    const found = await m365Of({ arc, demand: prefer })
    expect(found).toMatchObject({ arc: 'fail', conflicts: [] })
    expect(found.findings.join()).toMatch(words)
  })

  it('fails where the message was altered, without contradicting', async () => {
    const alter = (text: string) => text.replace('Hello', 'Hullo')
    expect(await m365Of({ arc: [hostedSet], alter, demand: prefer })).toMatchObject({ arc: 'fail', conflicts: [] })
  })

  it('contradicts where a genuine set names another author or a sending host, in every mode', async () => {
    const otherAuthor = [{ results: sealedResults.hosted('globex.example') }]
    const bySmtp = [{ results: sealedResults.bySmtp('acme.example', '62.212.79.184') }]
    for (const demand of [{}, prefer, { arc: 'require' as const }]) {
      expect((await m365Of({ arc: otherAuthor, demand })).conflicts).toEqual([
        'ARC names the author domain globex.example and From acme.example',
      ])
      expect((await m365Of({ arc: bySmtp, demand })).conflicts).toEqual([
        'ARC names the sending host 62.212.79.184 and the stamps a mailbox',
      ])
      expect((await m365Of({ arc: bySmtp, stamps: onPremStamps, demand })).conflicts).toEqual([
        'ARC names the sending host 62.212.79.184 and the stamps 198.51.100.7',
      ])
    }
  })

  it('agrees with the stamps on the host behind a connector, and is no mailbox’s all the same', async () => {
    const arc = [{ results: sealedResults.bySmtp('acme.example', '198.51.100.7') }]
    expect(await m365Of({ arc, stamps: onPremStamps, demand: prefer })).toMatchObject({ arc: 'fail', conflicts: [] })
  })

  it('is temperror where the key cannot be looked up, and leaves a contradiction open', async () => {
    const timeouts = [arcKeyName()]
    expect(await m365Of({ arc: [hostedSet], timeouts, demand: prefer })).toMatchObject({ arc: 'temperror', doubts: [] })
    const arc = [{ results: sealedResults.hosted('globex.example') }]
    expect((await m365Of({ arc, timeouts })).doubts).toHaveLength(1)
  })
})

describe('what is asked of the DNS', () => {
  it('is nothing with off, and with no grant', async () => {
    const signed = { dkim: [acmeKey, initialKey], arc: [hostedSet] }
    expect(await m365Of(signed)).toMatchObject({ dkim: 'not-evaluated', arc: 'not-evaluated', asked: [] })
    const customer = acmeWith({ grants: [] })
    expect(await m365Of({ ...signed, customer, demand: prefer })).toMatchObject({ dkim: 'not-evaluated', asked: [] })
    expect(await m365Of({ ...signed, dkim: [strangerKey], customer })).toMatchObject({ conflicts: [], asked: [] })
  })

  it('is each name once, and none of domains that do not matter', async () => {
    const third = { domain: 'crm.example', fields: ['From'] }
    const dkim = [acmeKey, third, acmeKey, initialKey]
    const { asked } = await m365Of({ dkim, arc: [hostedSet], stamps: onPremStamps, demand: prefer })
    expect(asked.toSorted()).toEqual(
      [keyNameOf(acmeKey), keyNameOf(initialKey), arcKeyName()].map((name) => `txt ${name}`).toSorted(),
    )
  })

  it('is bounded however many selectors a message names', async () => {
    const dkim = Array.from({ length: 15 }, (_, at) => ({ ...acmeKey, selector: `s${at}` }))
    expect((await m365Of({ dkim, demand: prefer })).asked).toHaveLength(8)
  })
})

describe('a Workspace', () => {
  const fields = ['From', 'Subject', 'Date']
  const own = { ...acmeKey, selector: 'google', fields }

  async function googleOf(one: Case): Promise<NonNullable<Evidence['google']>> {
    const { evidence } = await seen({ ...one, google: true })
    if (evidence.google === null) throw new Error('the connection did not prove Google')
    return evidence.google
  }

  it('is told by the signature of the author domain', async () => {
    const { evidence } = await seen({ dkim: [own], more: ['X-Relaying-Domain: acme.example'], google: true })
    expect(evidence).toMatchObject({
      m365: null,
      google: { dkim: 'pass', domain: { value: 'acme.example', proof: 'signature' }, conflicts: [], duplicates: [] },
      message: { class: 'hosted' },
      claims: { tenant: null, originator: null },
    })
    expect(evidence.google?.signature).toMatch(/^[A-Za-z0-9+/]{44}$/)
  })

  it.each([
    ['none without a signature', {}, 'none'],
    ['none by Google’s default key', { dkim: [{ domain: 'acme-example.20230601.gappssmtp.com', fields }] }, 'none'],
    ['none by the key of another domain', { dkim: [{ ...strangerKey, fields }] }, 'none'],
    ['fail where octets are uncovered', { dkim: [{ ...own, bodyLength: 3 }] }, 'fail'],
    [
      'fail where it was altered',
      { dkim: [own], alter: (text: string) => text.replace('Subject: hi', 'Subject: ho') },
      'fail',
    ],
    ['temperror where the key cannot be had', { dkim: [own], timeouts: [keyNameOf(own)] }, 'temperror'],
    ['not evaluated where nobody could be meant', { dkim: [own], customer: acmeWith({ grants: [] }) }, 'not-evaluated'],
  ])('is %s', async (_, one, dkim) => {
    expect(await googleOf(one)).toMatchObject({ dkim, domain: null, conflicts: [] })
  })

  it('is contradicted by X-Relaying-Domain, and by a genuine default key of another Workspace', async () => {
    const more = ['X-Relaying-Domain: helloadmin.lol']
    expect((await googleOf({ dkim: [own], more })).conflicts).toEqual([
      'X-Relaying-Domain names helloadmin.lol and From acme.example',
    ])
    expect((await googleOf({ more: ['X-Relaying-Domain: not a domain'] })).conflicts).toHaveLength(1)
    const other = { domain: 'helloadmin-lol.20230601.gappssmtp.com', fields }
    expect((await googleOf({ dkim: [own, other] })).conflicts).toHaveLength(1)
    expect((await googleOf({ more: ['X-Relaying-Domain: acme.example', ...more] })).duplicates).toEqual([
      'x-relaying-domain',
    ])
  })

  it('may relay under its own name for another domain of the customer', async () => {
    const customer = acmeWith({
      domains: [owned('acme', 'acme.example'), owned('acme', 'acme-sales.example')],
      sources: [{ customer: 'acme', id: 'w', kind: 'google', workspaceDomain: domain('acme-sales.example') }],
      grants: [grant('acme', 'w', ['acme.example'])],
    })
    const more = ['X-Relaying-Domain: acme-sales.example']
    expect(await googleOf({ dkim: [own], more, customer })).toMatchObject({ dkim: 'pass', conflicts: [] })
  })

  it('forwards what bears its mark', async () => {
    const { evidence } = await seen({ dkim: [own], more: ['X-Forwarded-To: x@dest.example'], google: true })
    expect(evidence.message?.class).toBe('forwarded')
  })
})
