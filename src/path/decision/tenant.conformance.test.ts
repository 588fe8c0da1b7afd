import { X509Certificate, createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createAuthority } from '../../../lab/world/certificates.ts'
import type { Customer } from '../../rooms/registry/index.ts'
import { openEvidence } from '../evidence/index.ts'
import type { ReceivedMessage, Session, Transaction } from '../ingress/index.ts'
import { decide } from './decide.ts'
import type { RuleId } from './rules.ts'
import { asked, mailbox } from './testing/evidence.ts'
import { acmeTenant, domain, evilTenant, grant, ip, owned, policyOf } from './testing/policy.ts'

/** The decision table of tenant allowlists, through real evidence and real decisions. */

const given = process.env['ANECHOIC_VECTORS']
const folder = resolve(given ?? '../shared/vectors')
const present = given !== undefined || existsSync(folder)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to run the decision table of tenants')

const vector = z.object({
  id: z.string(),
  mail_from: z.string().optional(),
  from_domain: z.string().optional(),
  from_domains: z.array(z.string()).optional(),
  policy: z.record(z.string(), z.object({ tenants: z.array(z.string()) })),
  client_in_exo_ranges: z.boolean(),
  tenant_headers: z.array(z.string()),
  expect: z.enum(['accept', 'reject']),
})
type Vector = z.infer<typeof vector>

/** What the table expects, said by the contract: which rule it is that rejects. */
const rejectedBy: Readonly<Record<string, RuleId>> = {
  'no-tenant-header': 'evidence-missing',
  'header-from-outside-ranges': 'source-unproven',
  'two-from-fields': 'author-malformed',
}

const scratch = mkdtempSync(join(tmpdir(), 'tenant-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const now = Date.now()
const authority = await createAuthority('Test root')
const identity = await authority.issue(['mail.protection.outlook.com'])
writeFileSync(join(scratch, 'ca.pem'), authority.pem)

const never = () => Promise.reject(new Error('nothing here asks DNS'))
const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log }
const room = openEvidence({
  providers: {
    m365: {
      networks: null,
      clientCertificate: { names: ['mail.protection.outlook.com'], ca: join(scratch, 'ca.pem') },
      fcrdns: 'off',
    },
    google: { networks: null },
  },
  limits: { maxHeaderBytes: 262_144, maxHeaderFields: 1000 },
  dns: { txt: never, mx: never, addresses: never, ptr: never, ns: never },
  clock: { now: () => now },
  log,
})

/** The table calls its tenants T1, T2 and t1; case is kept, since one row is about it. */
function tenantNamed(name: string): string {
  const id = name.toLowerCase() === 't1' ? acmeTenant : evilTenant
  return name === name.toUpperCase() ? id.toUpperCase() : id
}

function policyFor({ policy }: Vector) {
  const customers = Object.entries(policy).map(([name, { tenants }]): Customer => {
    const id = name.replaceAll('.', '-')
    return {
      id,
      name,
      plan: 'standard',
      contacts: [],
      domains: [
        owned(id, name, { proof: { kind: 'asserted', approvedBy: 'x', reason: 'x', lapsesAt: now + 86_400_000 } }),
      ],
      sources: tenants.map((tenant) => ({
        customer: id,
        id: tenant,
        kind: 'm365',
        tenant: tenantNamed(tenant).toLowerCase() as typeof acmeTenant,
        originators: [domain(name)],
        initialDomain: null,
        hybridHosts: [],
      })),
      grants: tenants.map((tenant) => grant(id, tenant, [name], { classes: ['hosted', 'notification'] })),
    }
  })
  return policyOf(customers)
}

function sessionFor({ client_in_exo_ranges: inRanges }: Vector): Session {
  return {
    listener: 'upstream',
    client: { address: ip(inRanges ? '40.107.22.57' : '203.0.113.9'), port: 25_000 },
    greeting: { claimed: 'eur05.outbound.protection.outlook.com', where: 'greeting' },
    extended: true,
    tls: {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      clientChain: [new X509Certificate(identity.cert).raw],
    },
    account: null,
    openedAt: now,
  }
}

function transactionFor(reversePath: string): Transaction {
  return {
    reversePath: reversePath === '' ? null : mailbox(reversePath),
    parameters: { size: null, body: null, smtputf8: false, ret: null, envid: null, auth: null, xoorg: null },
    forwardPaths: [{ mailbox: mailbox('bob@receiver.example'), notify: null, orcpt: null }],
  }
}

function messageFor({ from_domain, from_domains, tenant_headers }: Vector, report: boolean): ReceivedMessage {
  const authors = from_domains ?? [from_domain ?? '']
  const header = Buffer.from(
    [
      ...authors.map((name) => `From: <alice@${name}>`),
      'To: <bob@receiver.example>',
      `X-OriginatorOrg: ${authors[0]}`,
      ...tenant_headers.map((tenant) => `X-MS-Exchange-CrossTenant-Id: ${tenantNamed(tenant)}`),
      'X-MS-Exchange-CrossTenant-AuthAs: Internal',
      'X-MS-Exchange-CrossTenant-FromEntityHeader: Hosted',
      'X-MS-Exchange-SenderADCheck: 1',
      report ? 'Content-Type: multipart/report; report-type=delivery-status; boundary=b' : 'Content-Type: text/plain',
      '',
    ].join('\r\n'),
  )
  const body = Buffer.from('Hello\r\n')
  const relaxedBodyHash = createHash('sha256').update(body).digest()
  return { header, body: [body], size: header.length + 2 + body.length, relaxedBodyHash, eightBit: false }
}

async function judge(row: Vector, report: boolean) {
  const policy = policyFor(row)
  const reversePath = row.mail_from ?? `alice@${row.from_domain ?? row.from_domains?.[0]}`
  const evidence = await room.gather({
    session: sessionFor(row),
    transaction: transactionFor(reversePath),
    message: messageFor(row, report),
    policy,
    now,
  })
  return decide(asked({ evidence, policy, now }))
}

describe.skipIf(!present)('vectors/tenant/decision-table.json', () => {
  const rows = present
    ? z
        .object({ cases: z.array(vector) })
        .parse(JSON.parse(readFileSync(join(folder, 'tenant/decision-table.json'), 'utf8'))).cases
    : []

  test.each(rows)('$id', async (row) => {
    const { rule, verdict } = await judge(row, row.mail_from === '')
    expect(rule).toBe(row.expect === 'accept' ? 'accepted' : rejectedBy[row.id])
    expect(verdict).toBe(row.expect === 'accept' ? 'relay' : 'refuse')
  })

  test('a null reverse-path without the shape of a report is refused, which the table leaves open', async () => {
    const row = rows.find((one) => one.id === 'null-sender-bounce')
    if (row === undefined) throw new Error('the row is gone')
    expect(await judge(row, false)).toMatchObject({ rule: 'reverse-path-not-owned', verdict: 'refuse' })
  })
})
