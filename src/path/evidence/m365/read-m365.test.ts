import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimed } from '../../../standards/claim.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { scanHeaderSection } from '../../../standards/message/header-section.ts'
import type { M365Evidence } from '../evidence.ts'
import { readM365 } from './read-m365.ts'
import { readTrustFields, trustFields } from './trust-fields.ts'

const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'
const other = '332568a8-5c62-4dbb-8012-9427400a7005'

const stamps = [
  'From: alice@acme.example',
  'x-ms-exchange-senderadcheck: 1',
  'X-OriginatorOrg: acme.example',
  'X-MS-Exchange-CrossTenant-AuthAs: Internal',
  'X-MS-Exchange-CrossTenant-AuthSource: LV2PR12MB5990.namprd12.prod.outlook.com',
  'X-MS-Exchange-CrossTenant-fromentityheader: Hosted',
  `X-MS-Exchange-CrossTenant-id: ${tenant}`,
  'X-MS-Exchange-CrossTenant-mailboxtype: HOSTED',
  'X-MS-Exchange-CrossTenant-Network-Message-Id: 0d98eed3-bc91-4265-35e5-08d9fa4db302',
  'X-MS-Exchange-Transport-CrossTenantHeadersStamped: MW4PR12MB5665',
]

function read(lines: readonly string[], xoorg: string | null = null): M365Evidence {
  const section = scanHeaderSection(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return readM365(readTrustFields(section), xoorg === null ? null : claimed(xoorg, 'envelope'))
}

const without = (name: string) => stamps.filter((line) => !line.toLowerCase().startsWith(`${name.toLowerCase()}:`))

describe('readM365', () => {
  it('reads a hosted message', () => {
    expect(read(stamps, 'acme.example')).toEqual({
      duplicates: [],
      malformed: [],
      tenant: { value: tenant, proof: 'stamped' },
      originator: { value: 'acme.example', proof: 'stamped' },
      consumer: false,
      xoorg: { kind: 'given', domain: 'acme.example' },
      attributed: null,
      authAs: 'internal',
      entity: 'hosted',
      senderAdCheck: '1',
      networkMessageId: '0d98eed3-bc91-4265-35e5-08d9fa4db302',
      conflicts: [],
      doubts: [],
      dkim: 'not-evaluated',
      arc: 'not-evaluated',
      findings: [],
    })
  })

  it('compares names and values without regard to case', () => {
    const read365 = read(
      stamps.map((line) => (line.startsWith('From') ? line : line.toUpperCase())),
      'ACME.Example',
    )
    expect(read365).toMatchObject({
      tenant: { value: tenant },
      originator: { value: 'acme.example' },
      authAs: 'internal',
      conflicts: [],
      malformed: [],
    })
  })

  it('reads the host behind a connector', () => {
    const line = `X-MS-Exchange-CrossTenant-OriginalAttributedTenantConnectingIp: TenantId=${tenant};\r\n Ip=[165.204.84.17];Helo=[satlexmb08.amd.com]`
    expect(read([...stamps, line])).toMatchObject({
      attributed: { tenant, address: '165.204.84.17', helo: 'satlexmb08.amd.com' },
      conflicts: [],
    })
  })

  it.each([
    `TenantId=${tenant};Ip=[165.204.84.17]`,
    `TenantId=${tenant};Ip=[165.204.84.17];Helo=[a];Ip=[1.2.3.4];Helo=[b]`,
    `TenantId=${tenant};Ip=[165.204.84.300];Helo=[a]`,
    `TenantId=nobody;Ip=[165.204.84.17];Helo=[a]`,
    `TenantId=${tenant};Ip=[165.204.84.17];Helo=[a] x`,
    'x'.repeat(5000),
    '',
  ])('calls the attribution %j malformed', (value) => {
    expect(read([...stamps, `${trustFields.attributed}: ${value}`])).toMatchObject({
      attributed: null,
      malformed: [trustFields.attributed],
    })
  })

  it('has conflicts where facts contradict facts', () => {
    expect(read(stamps, 'evil.example').conflicts).toEqual(['XOORG evil.example and originator acme.example'])
    expect(read(stamps, 'no domain').conflicts).toEqual(['XOORG is no domain'])
    expect(read([...stamps, `${trustFields.attributed}: TenantId=${other};Ip=[192.0.2.1];Helo=[a]`]).conflicts).toEqual(
      [`attributed tenant ${other} and tenant ${tenant}`],
    )
    expect(read([...stamps, 'X-OriginatorOrganization: evil.example']).conflicts).toEqual([
      'X-OriginatorOrganization and originator acme.example differ',
    ])
    expect(read([...stamps, 'X-OriginatorOrganization: Acme.Example']).conflicts).toEqual([])
  })

  it.each(['sct-15-20-4755-11-msonline-outlook-edb50.templateTenant', 'outlook.com', 'HOTMAIL.com', 'live.co.uk'])(
    'knows the consumer originator %s',
    (value) => {
      expect(read([...without(trustFields.originator), `X-OriginatorOrg: ${value}`]).consumer).toBe(true)
    },
  )

  it('knows the consumer tenant', () => {
    const lines = [...without(trustFields.tenant), 'X-MS-Exchange-CrossTenant-Id: 84DF9E7F-e9f6-40af-b435-aaaaaaaaaaaa']
    expect(read(lines).consumer).toBe(true)
  })

  it.each([
    ['originator', ''],
    ['originator', 'acme.example.'],
    ['originator', 'acme.example evil.example'],
    ['originator', '<acme.example>'],
    ['originator', 'acme.example (evil)'],
    ['originator', '=?utf-8?q?acme.example?='],
    ['originator', 'b\u00fccher.example'],
    ['originator', '[192.0.2.1]'],
    ['tenant', ''],
    ['tenant', `{${tenant}}`],
    ['tenant', `${tenant},${other}`],
    ['tenant', `${tenant} x`],
    ['networkMessageId', 'x'],
    ['senderAdCheck', 'yes'],
  ] as const)('takes no value from a malformed %s: %j', (field, value) => {
    const read365 = read([...without(trustFields[field]), `${trustFields[field]}: ${value}`])
    expect(read365.malformed).toEqual([trustFields[field]])
    if (field === 'originator') expect(read365.originator).toBeNull()
    if (field === 'tenant') expect(read365.tenant).toBeNull()
    if (field === 'senderAdCheck') expect(read365.senderAdCheck).toBe('malformed')
  })

  it('tells absence from other words', () => {
    expect(read(without(trustFields.authAs)).authAs).toBeNull()
    expect(read([...without(trustFields.authAs), `${trustFields.authAs}: Internal, Anonymous`]).authAs).toBe('other')
    expect(read(without(trustFields.entity)).entity).toBeNull()
    expect(read([...without(trustFields.entity), `${trustFields.entity}: Partner`]).entity).toBe('other')
    expect(read(without(trustFields.senderAdCheck)).senderAdCheck).toBeNull()
  })
})

describe('the exactly-one rule', () => {
  it.each(Object.values(trustFields))('counts %s', (name) => {
    const lines = [...without(name), `${name}: a.example`]
    expect(read(lines).duplicates).toEqual([])
    expect(read([...lines, `${name.toUpperCase()}: a.example`]).duplicates).toEqual([name])
  })

  it('takes no value from a repeated field, not even an equal one', () => {
    const read365 = read([...stamps, 'x-originatororg: acme.example'])
    expect(read365).toMatchObject({ duplicates: ['x-originatororg'], originator: null })
    expect(read(['X-OriginatorOrg: evil.example', ...stamps]).originator).toBeNull()
  })

  const lookAlikes = [
    'X-OriginatorOrg : evil.example',
    'X-OriginatorOrg\t: evil.example',
    'X-OriginatorOrg\r\n : evil.example',
    'X-Originator\r\n Org: evil.example',
    'X-Originator Org: evil.example',
    'X-OriginatorOrg\0: evil.example',
    'X-Origin\0atorOrg: evil.example',
    'X-Originator\x01Org: evil.example',
    'X-OriginatorOrg\x7f: evil.example',
    'X_OriginatorOrg: evil.example',
    'X-Originator-Org: evil.example',
    'XOriginatorOrg: evil.example',
    '"X-OriginatorOrg": evil.example',
    'X-OriginatorOrg;: evil.example',
    '=?utf-8?q?X-OriginatorOrg?=: evil.example',
    '=?utf-8?Q?X-Origin=61torOrg?=: evil.example',
    `=?utf-8?B?${Buffer.from('X-OriginatorOrg').toString('base64')}?=: evil.example`,
    'X-=?utf-8?q?Originator?=Org: evil.example',
    'X\u2010OriginatorOrg: evil.example',
    'X\u2011OriginatorOrg: evil.example',
    'X\u2212OriginatorOrg: evil.example',
    'X\uff0dOriginatorOrg: evil.example',
    'X-Originator\u00adOrg: evil.example',
    'X-Originator\u200bOrg: evil.example',
    '\ufeffX-OriginatorOrg: evil.example',
    'X-\u041eriginatorOrg: evil.example',
    'X-Orig\u0456natorOrg: evil.example',
    '\u0425-OriginatorOrg: evil.example',
    '\u03a7-OriginatorOrg: evil.example',
    '\uff38-OriginatorOrg: evil.example',
    'X-\u00d3riginatorOrg: evil.example',
    'X-Or\u0131ginatorOrg: evil.example',
  ]

  it.each(lookAlikes)('sees the look-alike %j, before, behind and instead of the real one', (line) => {
    for (const lines of [
      [...stamps, line],
      [line, ...stamps],
      [...without(trustFields.originator), line],
    ]) {
      const read365 = read(lines)
      expect(read365.duplicates).toEqual(['x-originatororg'])
      expect(read365.originator).toBeNull()
    }
  })

  it.each([
    'X-Originating-IP: 192.0.2.1',
    'X-MS-Exchange-Organization-AuthAs: Internal',
    'X-MS-Exchange-CrossTenant-Idx: 1',
    'X-SFDC-LK: 00D',
    'Subject: X-OriginatorOrg: evil.example',
    'Note: X-OriginatorOrg',
    'Originator-Org: evil.example',
    'X-\u65e5\u672c: 1',
  ])('leaves %j alone', (line) => {
    expect(read([...stamps, line]).duplicates).toEqual([])
  })

  it('yields an originator only if one field in its own name says so, whatever is put around it', () => {
    const noise = fc.constantFrom(...lookAlikes, 'X-OriginatorOrg: evil.example', 'Subject: x', 'X-Other: y')
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 6 }), fc.nat(6), (lines, at) => {
        const originator = read(
          lines.toSpliced(Math.min(at, lines.length), 0, 'X-OriginatorOrg: acme.example'),
        ).originator
        const clean = lines.every((line) => line === 'Subject: x' || line === 'X-Other: y')
        expect(originator?.value ?? null).toBe(clean ? 'acme.example' : null)
      }),
    )
  })

  it('takes time in proportion to a thousand hostile names', () => {
    const lines = Array.from({ length: 999 }, (_, at) => `X-\u041e${'\u0430'.repeat(100)}${at}: x`)
    const began = performance.now()
    read(lines)
    expect(performance.now() - began).toBeLessThan(500)
  })
})
