import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DecisionIds,
  decide as judge,
  recordOf,
  signatureQuestion,
  subjectOf,
} from '../../../src/path/decision/index.ts'
import { mailbox } from '../../../src/path/decision/testing/evidence.ts'
import { acme, acmeTenant, acmeWith, network, owned, policyOf } from '../../../src/path/decision/testing/policy.ts'
import { openEvidence } from '../../../src/path/evidence/index.ts'
import { dnsFrom, message, session, transaction } from '../../../src/path/evidence/testing/occasion.ts'
import type { ReceivedMessage } from '../../../src/path/ingress/index.ts'
import type { EvidenceDemand } from '../../../src/rooms/registry/index.ts'
import { RelaxedBodyHash } from '../../../src/standards/dkim/index.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { RollingCounters, StandingBook } from '../../../src/rooms/watch/index.ts'
import { createAuthority } from '../../world/certificates.ts'
import { arcKeyName, keyNameOf, keyRecord, sealedResults, withArc, withDkim } from '../../world/provider-signatures.ts'
import { type Part, bodyOf, concurrently, measured, quietLog } from './part.ts'

/** Evidence and decision alone, for a message as Exchange Online hands it over: certificate, trust fields, class, grant; up to the record for the ledger. */
export const decide: Part = ({ messages }) => run(messages, hosted, 'off')

/** The same for a message that bears Exchange Online's DKIM signature and ARC set, of which nobody wants to know. */
export const decideSigned: Part = async ({ messages }) => run(messages, await signed(), 'off')

/** The same message where both are preferred: three signatures are verified, their keys known. */
export const decidePrefer: Part = async ({ messages }) => run(messages, await signed(), 'prefer')

async function run(messages: number, letter: ReceivedMessage, demand: EvidenceDemand): ReturnType<Part> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-bench-decide-'))
  try {
    const authority = await createAuthority('Bench Root')
    const { cert } = await authority.issue(['mail.protection.outlook.com'])
    writeFileSync(join(directory, 'ca.pem'), authority.pem)
    const room = openEvidence({
      providers: {
        m365: {
          networks: [network('40.107.0.0/16')],
          clientCertificate: { names: ['mail.protection.outlook.com'], ca: join(directory, 'ca.pem') },
          fcrdns: 'off',
        },
        google: { networks: null },
      },
      limits: { maxHeaderBytes: 262_144, maxHeaderFields: 1000 },
      dns: dnsFrom(Object.fromEntries(keyNames.map((name) => [`txt ${name}`, [keyRecord()]]))),
      clock: systemClock,
      log: quietLog,
    })
    const standing = new StandingBook()
    const counters = new RollingCounters()
    const ids = new DecisionIds(() => Date.now(), 0, Math.random)
    const policy = policyOf([acmeWhoAsks(demand)])
    const from = session({ address: '40.107.1.1', chain: [new X509Certificate(cert).raw] })
    const envelope = transaction(mailbox('alice@acme.example'), [mailbox('bob@dest.example')])
    const one = async (): Promise<void> => {
      const now = Date.now()
      const ask = (soFar: Parameters<typeof signatureQuestion>[0]) => signatureQuestion(soFar, policy, now)
      const evidence = await room.gather({ session: from, transaction: envelope, message: letter, policy, ask, now })
      if (demand === 'prefer' && (evidence.m365?.dkim !== 'pass' || evidence.m365.arc !== 'pass'))
        throw new Error('the signatures were not found to be good')
      subjectOf(evidence, policy, now)
      const counts = { grant: counters.counts('grant/acme', now), customer: counters.counts('customer/acme', now) }
      const decision = judge({
        id: ids.next(),
        evidence,
        policy,
        standing: standing.standingFor(acmeTenant, now),
        counters: counts,
        now,
      })
      if (decision.verdict !== 'relay') throw new Error(`not let pass: ${decision.reply.lines.join(' ')}`)
      recorded += JSON.stringify(recordOf(decision)).length
    }
    let recorded = 0
    await concurrently(messages, 1, one)
    const result = await measured(messages, [], () => concurrently(messages, 1, one))
    if (recorded === 0) throw new Error('nothing was recorded')
    return result
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const keyNames = [keyNameOf({ domain: 'acme.example' }), arcKeyName()]

function acmeWhoAsks(demand: EvidenceDemand): typeof acme {
  const proof = { kind: 'asserted', approvedBy: 'bench', reason: 'bench', lapsesAt: Number.MAX_SAFE_INTEGER } as const
  return acmeWith({
    domains: [owned('acme', 'acme.example', { proof })],
    grants: acme.grants.map((grant) => ({ ...grant, evidence: { dkim: demand, arc: demand } })),
  })
}

/** The message as Exchange Online signs and seals it, with a body of 10 KB whose hash is known from when it came in. */
async function signed(): Promise<ReceivedMessage> {
  const body = bodyOf(10_240)
  let text: Buffer = Buffer.concat([hosted.header, Buffer.from('\r\n'), body])
  text = await withDkim(text, { domain: 'acme.example' })
  text = await withArc(text, { results: sealedResults.hosted('acme.example') })
  const hash = new RelaxedBodyHash()
  hash.update(body)
  const header = text.subarray(0, text.indexOf('\r\n\r\n') + 2)
  return { header, body: [body], size: text.length, relaxedBodyHash: hash.digest(), eightBit: false }
}

const hosted = message([
  'Received: from LV2PR12MB5990.namprd12.prod.outlook.com ([fe80::1]) by LV2PR12MB5990.namprd12.prod.outlook.com',
  ' ([fe80::1%4]) with mapi id 15.20.9253.011; Tue, 24 Nov 2026 09:00:00 +0000',
  'Received: from MW4PR12MB5665.namprd12.prod.outlook.com (2603:10b6:303:187::19)',
  ' by LV2PR12MB5990.namprd12.prod.outlook.com (2603:10b6:408:170::16) with Microsoft SMTP Server (version=TLS1_2,',
  ' cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9253.11; Tue, 24 Nov 2026 09:00:01 +0000',
  'From: Alice Example <alice@acme.example>',
  'To: Bob <bob@dest.example>',
  'Subject: Figures of the third quarter',
  'Thread-Topic: Figures of the third quarter',
  'Thread-Index: AdwHZmNvbW1vbiBpbmRleCBvZiBhIHRocmVhZA==',
  'Date: Tue, 24 Nov 2026 09:00:00 +0000',
  'Message-ID: <LV2PR12MB599013D8A7@LV2PR12MB5990.namprd12.prod.outlook.com>',
  'Accept-Language: en-US',
  'Content-Language: en-US',
  'X-MS-Has-Attach:',
  'X-MS-TNEF-Correlator:',
  'x-ms-publictraffictype: Email',
  'x-ms-traffictypediagnostic: LV2PR12MB5990:EE_|MW4PR12MB5665:EE_',
  'x-ms-office365-filtering-correlation-id: 2f0f3c1b-1c7e-4b0c-9d0a-08de2b3f1a5c',
  'x-ms-exchange-senderadcheck: 1',
  'x-ms-exchange-antispam-relay: 0',
  'x-microsoft-antispam: BCL:0;ARA:13230040|1800799024|366016|376014|38070700021;',
  'Content-Type: multipart/alternative; boundary="_000_LV2PR12MB599013D8A7_"',
  'MIME-Version: 1.0',
  'X-OriginatorOrg: acme.example',
  'X-MS-Exchange-CrossTenant-AuthAs: Internal',
  'X-MS-Exchange-CrossTenant-AuthSource: LV2PR12MB5990.namprd12.prod.outlook.com',
  'X-MS-Exchange-CrossTenant-Network-Message-Id: 2f0f3c1b-1c7e-4b0c-9d0a-08de2b3f1a5c',
  'X-MS-Exchange-CrossTenant-originalarrivaltime: 24 Nov 2026 09:00:00.8437 (UTC)',
  'X-MS-Exchange-CrossTenant-fromentityheader: Hosted',
  `X-MS-Exchange-CrossTenant-id: ${acmeTenant}`,
  'X-MS-Exchange-CrossTenant-mailboxtype: HOSTED',
  'X-MS-Exchange-Transport-CrossTenantHeadersStamped: MW4PR12MB5665',
])
