import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Made, certificate } from '../../../lab/world/faulty-certificates.ts'
import type { Log } from '../../platform/log.ts'
import { claimed } from '../../standards/claim.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { m365Outbound } from '../../standards/providers/index.ts'
import { formatNetwork } from '../../standards/names/ip.ts'
import { mailbox } from '../decision/testing/evidence.ts'
import { acme, domain, network, policyOf } from '../decision/testing/policy.ts'
import { type Evidence, type EvidenceRoom, openEvidence } from './index.ts'
import { restoreEvidence } from './restore.ts'
import { type Answers, type SessionOptions, dnsFrom, message, now, session, transaction } from './testing/occasion.ts'

const folder = mkdtempSync(join(tmpdir(), 'evidence-'))
const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'
const alice = mailbox('alice@acme.example')
const bob = mailbox('bob@elsewhere.example')
const policy = policyOf([acme])
const stamps = [
  'X-OriginatorOrg: acme.example',
  `X-MS-Exchange-CrossTenant-Id: ${tenant}`,
  'X-MS-Exchange-CrossTenant-AuthAs: Internal',
  'X-MS-Exchange-CrossTenant-FromEntityHeader: Hosted',
  'X-MS-Exchange-SenderADCheck: 1',
]
const letter = [
  'Received: from a.example (a.example [192.0.2.4]) by b.example with ESMTPS; Tue, 24 Nov 2026 10:00:00 +0000',
  'From: Alice <alice@acme.example>',
  'To: bob@elsewhere.example',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Message-ID: <1@acme.example>',
]

let exchange: Made
let room: EvidenceRoom
const said: { readonly level: string; readonly text: string }[] = []

const log: Log = {
  debug: (text) => void said.push({ level: 'debug', text }),
  info: (text) => void said.push({ level: 'info', text }),
  warn: (text) => void said.push({ level: 'warn', text }),
  error: (text) => void said.push({ level: 'error', text }),
  child: () => log,
}

function open(networks: readonly string[] | null = ['127.0.0.2'], answers: Answers = {}): EvidenceRoom {
  return openEvidence({
    providers: {
      m365: {
        networks: networks?.map(network) ?? null,
        clientCertificate: { names: ['mail.protection.outlook.com'], ca: join(folder, 'ca.pem') },
        fcrdns: 'off',
      },
      google: { networks: null },
    },
    limits: { maxHeaderBytes: 4000, maxHeaderFields: 50 },
    dns: dnsFrom(answers),
    clock: { now: () => now },
    log,
  })
}

beforeAll(async () => {
  const dates = { notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 86_400_000) }
  const root = await certificate({ subject: 'CN=Root', ...dates })
  const names = ['mail.protection.outlook.com']
  exchange = await certificate({ subject: 'CN=mail.protection.outlook.com', issuer: root, dnsNames: names, ...dates })
  writeFileSync(join(folder, 'ca.pem'), root.pem)
  room = open()
})
afterAll(() => rmSync(folder, { recursive: true }))

const fromExchange = (): SessionOptions => ({ address: '127.0.0.2', chain: [exchange.der] })

function gather(
  lines: readonly string[],
  options: SessionOptions = fromExchange(),
  given = transaction(alice, [bob]),
): Promise<Evidence> {
  return room.gather({ session: session(options), transaction: given, message: message(lines), policy, now })
}

describe('gather', () => {
  it('tells a hosted message with all that was read', async () => {
    const evidence = await gather(
      [...letter, ...stamps],
      fromExchange(),
      transaction(alice, [bob], { xoorg: claimed('acme.example', 'envelope') }),
    )
    expect(evidence).toMatchObject({
      fault: null,
      session: { listener: 'upstream', client: '127.0.0.2', tls: { protocol: 'TLSv1.3' } },
      connection: { kind: 'm365', relayPool: false },
      m365: {
        tenant: { value: tenant },
        originator: { value: 'acme.example' },
        xoorg: { kind: 'given' },
        conflicts: [],
      },
      envelope: { reversePath: alice, srsShaped: false, recipients: [bob], smtputf8: false },
      message: {
        class: 'hosted',
        malformed: null,
        author: { kind: 'mailbox', mailbox: alice },
        otherAuthors: [],
        subject: 'Gr\u00fc\u00dfe',
        messageId: '<1@acme.example>',
        receivedCount: 1,
        received: [{ from: 'a.example', address: '192.0.2.4', by: 'b.example', with: 'ESMTPS' }],
      },
      claims: { tenant: null, originator: null },
    })
    expect(evidence.session.tls?.certificate).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('believes no stamp on any other connection, and keeps it as a claim', async () => {
    for (const options of [
      { address: '127.0.0.9' },
      { address: '203.0.113.5' },
      { address: '127.0.0.2', chain: null },
    ]) {
      const evidence = await gather([...letter, ...stamps], options)
      expect(evidence.m365).toBeNull()
      expect(evidence.claims).toEqual({
        tenant: claimed(tenant, 'header'),
        originator: claimed('acme.example', 'header'),
      })
    }
  })

  it('takes an account on a plain connection for hosted mail', async () => {
    const evidence = await gather(letter, { address: '127.0.0.9', account: 'crm@acme' })
    expect(evidence).toMatchObject({ connection: { kind: 'smtp-auth' }, message: { class: 'hosted' } })
  })

  it('sees SRS in the reverse-path', async () => {
    const evidence = await gather(
      [...letter, ...stamps],
      fromExchange(),
      transaction(mailbox('x+SRS=a=b=c=d@acme.example'), [bob]),
    )
    expect(evidence).toMatchObject({ envelope: { srsShaped: true }, message: { class: 'forwarded' } })
  })

  it('names other authors, and those that cannot be read', async () => {
    const evidence = await gather([
      ...letter,
      'Sender: carol@evil.example',
      'Resent-From: a@b.example, c@b.example, d@e.example',
      'Resent-Sender: nobody at all',
    ])
    expect(evidence.message?.otherAuthors).toEqual([
      { field: 'sender', domain: 'evil.example' },
      { field: 'resent-from', domain: 'b.example' },
      { field: 'resent-from', domain: 'e.example' },
      { field: 'resent-sender', domain: null },
    ])
  })

  it.each([
    ['no header section', [], 'there is no header section'],
    ['a blank before a colon', [...letter, 'X-Y : z'], 'the field name has a blank before the colon'],
    ['a line that is no field', ['hello there', ...letter], 'the line is no header field: it has no colon'],
    ['too many octets', [...letter, `X: ${'y'.repeat(5000)}`], 'the header section is longer than 4000 octets'],
    ['too many fields', Array.from({ length: 51 }, () => 'X: y'), 'the header section has more than 50 fields'],
    [
      '8-bit in From',
      ['From: Bj\u00f6rn <alice@acme.example>'],
      'the field from has an octet above 127 without SMTPUTF8',
    ],
    [
      '8-bit in Reply-To',
      [...letter, 'Reply-To: Bj\u00f6rn <a@b.example>'],
      'the field reply-to has an octet above 127 without SMTPUTF8',
    ],
    [
      '8-bit in a stamp',
      [...letter, 'X-OriginatorOrg: \u00e4'],
      'the field x-originatororg has an octet above 127 without SMTPUTF8',
    ],
  ])('calls a message with %s malformed', async (_, lines, reason) => {
    expect((await gather(lines)).message?.malformed).toBe(reason)
  })

  it('takes 8-bit in a subject, and in an address under SMTPUTF8', async () => {
    expect((await gather([...letter.slice(0, 3), 'Subject: Gr\u00fc\u00dfe'])).message?.malformed).toBeNull()
    const utf8 = transaction(alice, [bob], { smtputf8: true })
    const evidence = await gather(['From: Bj\u00f6rn <alice@acme.example>'], fromExchange(), utf8)
    expect(evidence.message).toMatchObject({ malformed: null, author: { kind: 'mailbox' } })
  })

  it('says why the author cannot be read', async () => {
    expect((await gather(['From: a@b.example, c@d.example'])).message?.author).toEqual({
      kind: 'malformed',
      reason: 'From: there are several mailboxes',
    })
    expect((await gather(['To: a@b.example'])).message?.author).toEqual({
      kind: 'malformed',
      reason: 'there is no From field',
    })
  })

  it('never proves Microsoft 365 from elsewhere, never throws, and always restores', async () => {
    const piece = fc.constantFrom(
      ...letter,
      ...stamps,
      'From : x',
      'X-OriginatorOrg\t: evil.example',
      'Auto-Submitted: auto-replied',
      'Content-Type: multipart/report',
      '\u0000',
      ' folded',
      'Sender: ,,,',
      '\u00fc: \u00fc',
      'From:',
    )
    const options = fc.constantFrom<SessionOptions[]>(
      { address: '127.0.0.9' },
      { address: '203.0.113.5' },
      { address: '40.95.1.1' },
      { address: '209.85.208.65', account: 'crm@acme' },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 15 }), options, fc.boolean(), async (lines, from, smtputf8) => {
        const evidence = await gather(lines, from, transaction(null, [], { smtputf8 }))
        expect(evidence.connection.kind).not.toBe('m365')
        expect(evidence.m365).toBeNull()
        expect(restoreEvidence(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence)
      }),
      { numRuns: 300 },
    )
  })
})

describe('gatherAtMail', () => {
  it('proves the connection before there is a message', async () => {
    const evidence = await room.gatherAtMail({
      session: session(fromExchange()),
      transaction: transaction(alice, []),
      policy,
      fault: null,
      now,
    })
    expect(evidence).toMatchObject({
      connection: { kind: 'm365' },
      m365: null,
      message: null,
      envelope: { reversePath: alice },
    })
  })

  it('carries what ingress refused, with or without a transaction', async () => {
    const fault = { kind: 'line-endings', where: 'command' } as const
    const evidence = await room.gatherAtMail({ session: session({}), transaction: null, policy: null, fault, now })
    expect(evidence).toMatchObject({
      fault,
      connection: { kind: 'lookup-failed' },
      envelope: { reversePath: null, recipients: [] },
    })
  })
})

describe('ofOurOwn', () => {
  it('speaks for the operator, and reads its own author', () => {
    const { header, body } = message([
      'From: postmaster@relay.example.net',
      'Auto-Submitted: auto-replied',
      'Content-Type: multipart/report; boundary=x',
    ])
    const own = { recipient: alice, header, body, eightBit: false, smtputf8: false }
    const evidence = room.ofOurOwn({ operator: domain('relay.example.net'), own })
    expect(evidence).toMatchObject({
      connection: { kind: 'self', operator: { value: 'relay.example.net', proof: 'built-in' } },
      envelope: { reversePath: null, recipients: [alice] },
      message: { class: 'notification', report: true, automatic: true, author: { kind: 'mailbox' } },
    })
    expect(restoreEvidence(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence)
  })
})

describe('restoreEvidence', () => {
  it('reads back what was recorded', async () => {
    const line = `X-MS-Exchange-CrossTenant-OriginalAttributedTenantConnectingIp: TenantId=${tenant};Ip=[192.0.2.1];Helo=[a]`
    for (const lines of [[...letter, ...stamps, line], [...letter, ...stamps, ...stamps], ['nothing']]) {
      const evidence = await gather(lines)
      expect(restoreEvidence(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence)
    }
  })

  it('faults on anything else', async () => {
    const recorded = JSON.parse(JSON.stringify(await gather([...letter, ...stamps]))) as Record<string, unknown>
    const broken: unknown[] = [null, 1, 'x', [], {}]
    for (const key of Object.keys(recorded)) {
      const { [key]: _, ...without } = recorded
      // Records of the time before there were Google sources have no word of them.
      if (key !== 'google') broken.push(without)
      broken.push({ ...recorded, [key]: 'x' })
    }
    broken.push(
      { ...recorded, more: 1 },
      { ...recorded, connection: { kind: 'any' } },
      { ...recorded, connection: { kind: 'smtp-auth', account: 'crm', source: { customer: 'a', source: 'b' } } },
      {
        ...recorded,
        connection: {
          kind: 'smtp-auth',
          account: { value: 'crm', proof: 'stamped' },
          source: { customer: 'a', source: 'b' },
        },
      },
      {
        ...recorded,
        m365: { ...(recorded['m365'] as object), originator: { value: 'Acme.Example', proof: 'stamped' } },
      },
      { ...recorded, message: { ...(recorded['message'] as object), class: 'any' } },
    )
    for (const one of broken) expect(isSyntaxFault(restoreEvidence(one))).toBe(true)
  })
})

describe('refreshNetworks', () => {
  const record = (...more: readonly string[]) =>
    `v=spf1 ${[...m365Outbound.networks.map(formatNetwork), ...more].map((one) => `${one.includes(':') ? 'ip6' : 'ip4'}:${one}`).join(' ')} -all`

  it('tells what changed, and that an old list was not refreshed', async () => {
    said.length = 0
    const changed = open(null, { 'txt spf.protection.outlook.com': [record('20.33.0.0/17')] })
    await changed.refreshNetworks()
    expect(said.map((one) => one.level)).toEqual(['warn'])
    expect(changed.networks()).toMatchObject({ stale: false, asOf: now })
    const kept = open(null, { 'txt spf.protection.outlook.com': 'timeout' })
    await kept.refreshNetworks()
    expect(said.at(-1)?.text).toBe('the address list of Microsoft 365 is old and was not refreshed')
    expect(kept.networks().stale).toBe(true)
    await open().refreshNetworks()
    expect(said).toHaveLength(2)
  })
})

describe('openEvidence', () => {
  it('will not open without authorities', () => {
    rmSync(join(folder, 'ca.pem'))
    expect(() => open()).toThrow()
  })
})
