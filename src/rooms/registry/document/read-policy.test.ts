import { describe, expect, test } from 'vitest'
import type { Domain } from '../../../standards/names/domain.ts'
import { parseNetwork } from '../../../standards/names/ip.ts'
import { policyContext } from './context.ts'
import { isPolicyProblems } from './problems.ts'
import { type CheckedPolicy, readPolicy } from './read-policy.ts'

const lab = parseNetwork('127.0.0.2')
const context = policyContext('relay.example.net' as Domain, {
  m365: { networks: 'fault' in lab ? [] : [lab] },
  google: { networks: null },
})

function problems(text: string): readonly string[] {
  const read = readPolicy(text, 'p.yaml', context)
  return isPolicyProblems(read) ? read.lines : []
}

function customers(text: string): CheckedPolicy['customers'] {
  const read = readPolicy(text, 'p.yaml', context)
  if (isPolicyProblems(read)) throw new Error(read.lines.join('\n'))
  return read.customers
}

const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'
const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'

/** The example of the contract, without the grant for its Google source. */
const example = `
customers:
  - id: acme
    name: Acme Corp
    plan: standard
    contacts: [{ email: security@acme.example, language: tr }]
    domains:
      - { name: acme.example, proof: dns, includeSubdomains: false, dnsLock: false, signing: { algorithms: [rsa] }, returnPath: bounce.acme.example }
      - { name: old.acme.example, proof: asserted, approvedBy: admin@relay.example, reason: migration, until: 2027-02-01 }
    sources:
      - { id: acme-m365, kind: m365, tenant: ${tenant}, originators: [acme.example], initialDomain: acme.onmicrosoft.com, hybridHosts: [198.51.100.7] }
      - { id: acme-google, kind: google, workspaceDomain: acme.example }
      - { id: acme-crm, kind: smtp-auth, username: crm@acme, passwordHash: "${hash}" }
      - { id: acme-erp, kind: mtls, fingerprints: ["sha256:${'ab'.repeat(32)}"] }
      - { id: acme-plant, kind: network, networks: [203.0.113.0/28] }
      - { id: vps-4711, kind: network, leases: [{ address: 203.0.113.77, from: 2026-11-01T00:00Z, until: 2026-12-01T00:00Z }] }
    grants:
      - { id: acme-mail, source: acme-m365, domains: [acme.example], classes: [hosted, hybrid, notification],
          evidence: { dkim: prefer, arc: prefer },
          limits: { messagesPerHour: 1000, messagesPerDay: 10000, recipientsPerHour: 5000, recipientsPerDay: 50000, recipientsPerMessage: 500 },
          approvedBy: admin@acme.example, reason: first onboarding }
`

/** A customer in one line of flow YAML, so that columns in the tables mean little and paths mean much. */
const customer = (parts: string, id = 'acme') => `- { id: ${id}, ${parts} }`
const policy = (...rows: readonly string[]) => `customers:\n${rows.join('\n')}\n`
const domains = (text: string) => policy(customer(`domains: [${text}]`))
const sources = (text: string) => policy(customer(`sources: [${text}]`))
const m365 = (more: string) => `{ id: m, kind: m365, tenant: ${tenant}, ${more} }`
const network = (more: string, id = 'n') => `{ id: ${id}, kind: network, ${more} }`
const grants = (text: string) =>
  policy(
    customer(
      `domains: [{ name: acme.example }, { name: sub.example, includeSubdomains: true }],
       sources: [${m365('originators: [acme.example]')}, { id: g, kind: google, workspaceDomain: acme.example }, { id: bad, kind: nonsense }],
       grants: [${text}]`,
    ),
  )
const grant = (more: string) =>
  `{ ${more.includes('classes:') ? '' : 'classes: [hosted], '}approvedBy: a@acme.example, reason: r, ${more} }`

describe('a good policy', () => {
  test('is the example of the contract, with its defaults', () => {
    const [acme] = customers(example)
    expect(acme).toMatchObject({ id: 'acme', name: 'Acme Corp', plan: 'standard' })
    expect(acme?.sources).toHaveLength(6)
    expect(acme?.domains[1]).toEqual({
      name: 'old.acme.example',
      proof: 'asserted',
      approvedBy: 'admin@relay.example',
      reason: 'migration',
      until: '2027-02-01',
      includeSubdomains: false,
      dnsLock: false,
      signing: { algorithms: ['rsa'] },
    })
  })

  test('is also JSON', () => {
    expect(customers(JSON.stringify({ customers: customers(example) }))).toEqual(customers(example))
  })

  test('normalises names, networks, tenants and fingerprints', () => {
    const [acme] = customers(
      policy(
        customer(`domains: [{ name: Bücher.Example. }],
          sources: [{ id: m, kind: m365, tenant: ${tenant.toUpperCase()}, originators: [ACME.example] },
            { id: c, kind: mtls, fingerprints: ["SHA256:${'AB:'.repeat(31)}AB"] }, ${network('networks: ["2001:0DB8::/48", "::ffff:192.0.2.1"]')}]`),
      ),
    )
    expect(acme?.domains[0]?.name).toBe('xn--bcher-kva.example')
    expect(acme?.sources).toEqual([
      { id: 'm', kind: 'm365', tenant, originators: ['acme.example'], hybridHosts: [] },
      { id: 'c', kind: 'mtls', fingerprints: [`sha256:${'ab'.repeat(32)}`] },
      { id: 'n', kind: 'network', networks: ['2001:db8::/48', '192.0.2.1'], leases: [] },
    ])
  })

  test('may be empty: nobody is authorised', () => {
    expect(customers('customers: []')).toEqual([])
    expect(customers(policy('- id: acme'))).toMatchObject([{ name: 'acme', domains: [], sources: [], grants: [] }])
    expect(
      customers(grants(grant('source: m, domains: [], classes: []')).replace(/, \{ id: bad.*?\}/, '')),
    ).toHaveLength(1)
  })

  test('a grant has the id of its source unless it names one', () => {
    expect(
      customers(grants(grant('source: m, domains: [acme.example]')).replace(/, \{ id: bad.*?\}/, ''))[0]?.grants[0]?.id,
    ).toBe('m')
  })

  test('a domain under a parent with includeSubdomains may be granted by name', () => {
    expect(problems(grants(grant('source: m, domains: [news.sub.example]')).replace(/, \{ id: bad.*?\}/, ''))).toEqual(
      [],
    )
  })

  test('an address may be leased to one after the other, and a network source may sit on a hybrid host of its customer', () => {
    const lease = (id: string, from: string, until: string) =>
      network(`leases: [{ address: 203.0.113.77, from: ${from}, until: ${until} }]`, id)
    expect(
      problems(sources(`${lease('a', '2026-11-01', '2026-12-01')}, ${lease('b', '2026-12-01', '2027-01-01')}`)),
    ).toEqual([])
    expect(
      problems(sources(`${m365('originators: [], hybridHosts: [192.0.2.1]')}, ${network('networks: [192.0.2.1]')}`)),
    ).toEqual([])
    expect(problems(sources(network('networks: [192.0.2.0/24, 192.0.2.1]')))).toEqual([])
  })
})

describe('problems', () => {
  test('are all told at once, each with its place, across broken parts', () => {
    expect(
      problems(`customers:
  - id: acme
    domains:
      - { name: acme.example, proof: asserted }
      - { name: com }
    sources:
      - { id: m, kind: m365, tenant: nonsense, originators: [acme.example] }
      - { id: n, kind: network, networks: [203.0.113.0/19, 40.107.1.0/24] }
    grants:
      - { source: m, domains: [acme.example, other.example], classes: [forwarded], approvedBy: a, reason: b }
  - id: acme
    domains: [{ name: acme.example }]
    colour: blue
`),
    ).toEqual([
      'p.yaml:4:9 customers.0.domains.0.approvedBy: is missing: whoever asserts a domain says who and why',
      'p.yaml:4:9 customers.0.domains.0.reason: is missing: whoever asserts a domain says who and why',
      'p.yaml:5:17 customers.0.domains.1.name: needs at least two labels',
      'p.yaml:7:38 customers.0.sources.0.tenant: the tenant id is not a GUID',
      'p.yaml:8:44 customers.0.sources.1.networks.0: the network has bits set beyond its prefix',
      'p.yaml:10:72 customers.0.grants.0.classes.0: forwarded mail comes from the Internet and passes through: nobody can grant it',
      'p.yaml:11:9 customers.1.id: there is another customer acme',
      'p.yaml:13:5 customers.1.colour: there is no such key',
    ])
  })

  test.each([
    // The document.
    ['', 'p.yaml:1:1 customers: is missing; it must be a list'],
    ['customers:', 'customers: is empty; it must be a list'],
    ['customers: []\nany: true', 'p.yaml:2:1 any: there is no such key'],
    ['customers: [7]', 'customers.0: must be a mapping'],
    ['customers: [', 'p.yaml:1:'],
    // Ids, names and people.
    [policy('- name: x'), 'customers.0.id: is missing'],
    [policy('- id: Acme'), 'customers.0.id: must be lower-case letters'],
    [policy('- id: self'), "customers.0.id: self is the relay's own"],
    [policy(`- id: ${'a'.repeat(41)}`), 'customers.0.id: must be lower-case'],
    [policy('- id: a-'), 'customers.0.id: must be lower-case'],
    [sources('{ id: self, kind: mtls, fingerprints: [] }'), "sources.0.id: self is the relay's own"],
    [
      sources(`${network('networks: []')}, ${network('networks: []')}`),
      'sources.1.id: this customer has another source n',
    ],
    [policy(customer('plan: free')), 'plan: must be "standard" or "trial"'],
    [policy(customer('contacts: [{ email: nobody }]')), 'contacts.0.email: is not an e-mail address'],
    [policy(customer('contacts: [{ email: a@b.example, language: de }]')), 'contacts.0.language: must be "en" or "tr"'],
    [policy(customer('name: "a\\nb"')), 'name: holds a control character'],
    // Domains.
    [domains('{ name: example }'), 'domains.0.name: needs at least two labels'],
    [domains('{ name: co.uk }'), 'domains.0.name: is a public suffix'],
    [domains('{ name: github.io }'), 'domains.0.name: is a public suffix'],
    [domains('{ name: "*.acme.example" }'), 'domains.0.name: the domain has a malformed label'],
    [domains('{ name: "*" }'), 'domains.0.name: the domain has a malformed label'],
    [domains('{ name: acme.onmicrosoft.com }'), 'domains.0.name: belongs to a provider'],
    [domains('{ name: acme-example.20230601.gappssmtp.com }'), 'domains.0.name: belongs to a provider'],
    [domains('{ name: outlook.com }'), 'domains.0.name: belongs to a provider'],
    [domains('{ name: _dmarc.acme.example }'), 'domains.0.name: holds an underscore'],
    [domains('{ name: relay.example.net }'), "relay.example.net is the operator's own domain"],
    [
      domains('{ name: a.example }, { name: A.example. }'),
      'domains.1.name: a.example is listed by customer acme already',
    ],
    [
      policy(customer('domains: [{ name: a.example }]'), customer('domains: [{ name: a.example }]', 'other')),
      'customers.1.domains.0.name: a.example is listed by customer acme already',
    ],
    [domains('{ name: a.example, proof: none }'), 'domains.0.proof: must be "dns" or "asserted"'],
    [domains('{ name: a.example, proof: asserted, reason: r }'), 'domains.0.approvedBy: is missing'],
    [domains('{ name: a.example, proof: asserted, approvedBy: a, reason: " " }'), 'domains.0.reason: is empty'],
    [domains('{ name: a.example, until: 2027-01-01 }'), 'domains.0.until: belongs to proof: asserted'],
    [
      domains('{ name: a.example, proof: asserted, approvedBy: a, reason: r, until: soon }'),
      'domains.0.until: must be a day such as',
    ],
    [
      domains('{ name: a.example, proof: asserted, approvedBy: a, reason: r, until: 2027-02-30 }'),
      'domains.0.until: must be a day such as',
    ],
    [domains('{ name: a.example, signing: { algorithms: [] } }'), 'signing.algorithms: names no algorithm'],
    [
      domains('{ name: a.example, signing: { algorithms: [rsa, rsa] } }'),
      'signing.algorithms: names an algorithm twice',
    ],
    [
      domains('{ name: a.example, signing: { algorithms: [rsa-sha1] } }'),
      'signing.algorithms.0: must be "rsa" or "rsa-2048"',
    ],
    [
      domains('{ name: a.example, signing: { algorithms: [rsa, rsa-3072] } }'),
      'signing.algorithms: names several lengths of RSA',
    ],
    [
      domains('{ name: a.example, returnPath: bounce.b.example }'),
      'returnPath: bounce.b.example is not at or below a domain of customer acme',
    ],
    // Microsoft 365.
    [sources('{ id: m, kind: m365, originators: [] }'), 'sources.0.tenant: is missing'],
    [sources(`{ id: m, kind: m365, tenant: "*", originators: [] }`), 'sources.0.tenant: the tenant id is not a GUID'],
    [
      sources(`{ id: m, kind: m365, tenant: "{${tenant}}", originators: [] }`),
      'sources.0.tenant: the tenant id is not a GUID',
    ],
    [
      sources('{ id: m, kind: m365, tenant: 84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa, originators: [a.example] }'),
      'sources.0.tenant: is the consumer service',
    ],
    [sources(`{ id: m, kind: m365, tenant: ${tenant} }`), 'sources.0.originators: is missing'],
    [sources(m365('originators: ["*"]')), 'sources.0.originators.0: the domain has a malformed label'],
    [sources(m365('originators: [outlook.com]')), 'sources.0.originators.0: belongs to the consumer service'],
    [
      sources(m365('originators: [sct-15-20-4755-11.templateTenant]')),
      'sources.0.originators.0: belongs to the consumer service',
    ],
    [sources(m365('originators: [example]')), 'sources.0.originators.0: needs at least two labels'],
    [
      sources(m365('originators: [], initialDomain: onmicrosoft.com')),
      'sources.0.initialDomain: is not a name right below onmicrosoft.com',
    ],
    [
      sources(m365('originators: [], initialDomain: acme.example')),
      'sources.0.initialDomain: is not a name right below onmicrosoft.com',
    ],
    [sources(m365('originators: [], hybridHosts: [198.51.100.0/23]')), 'hybridHosts.0: is wider than /24'],
    [sources(m365('originators: [], hybridHosts: ["2001:db8::/55"]')), 'hybridHosts.0: is wider than /56'],
    [
      sources(m365('originators: [], hybridHosts: [40.107.0.7]')),
      '40.107.0.7 overlaps 40.107.0.0/16 of Exchange Online',
    ],
    [
      policy(
        customer(`sources: [${m365('originators: [a.example]')}]`),
        customer(`sources: [${m365('originators: [b.example, A.example]')}]`, 'other'),
      ),
      `customers.1.sources.0.originators.1: tenant ${tenant} with originator a.example is named by source m of customer acme already`,
    ],
    // Accounts and certificates.
    [
      sources('{ id: s, kind: smtp-auth, username: u, passwordHash: secret }'),
      'sources.0.passwordHash: is no argon2id hash',
    ],
    [
      sources(
        '{ id: s, kind: smtp-auth, username: u, passwordHash: "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g" }',
      ),
      'is no argon2id hash',
    ],
    [
      sources(`{ id: s, kind: smtp-auth, username: "a b", passwordHash: "${hash}" }`),
      'sources.0.username: must be 1 to 128 visible',
    ],
    [
      sources(
        `{ id: s, kind: smtp-auth, username: crm, passwordHash: "${hash}" }, { id: t, kind: smtp-auth, username: CRM, passwordHash: "${hash}" }`,
      ),
      'sources.1.username: the account CRM is named by source s of customer acme already',
    ],
    [sources('{ id: c, kind: mtls, fingerprints: ["sha1:abcd"] }'), 'fingerprints.0: must be sha256:'],
    [sources('{ id: c, kind: mtls, fingerprints: ["*"] }'), 'fingerprints.0: must be sha256:'],
    [
      sources(
        `{ id: c, kind: mtls, fingerprints: ["sha256:${'AB'.repeat(32)}"] }, { id: d, kind: mtls, fingerprints: ["sha256:${'ab'.repeat(32)}"] }`,
      ),
      'sources.1.fingerprints.0: the certificate is named by source c of customer acme already',
    ],
    // Networks.
    [sources(network('networks: [0.0.0.0/0]')), 'networks.0: is wider than /20'],
    [sources(network('networks: ["::/0"]')), 'networks.0: is wider than /48'],
    [sources(network('networks: [203.0.96.0/19]')), 'networks.0: is wider than /20'],
    [sources(network('networks: ["2001:db8::/47"]')), 'networks.0: is wider than /48'],
    [sources(network('networks: [010.1.1.1]')), 'networks.0: not an IPv4 address'],
    [sources(network('networks: [any]')), 'networks.0: not an IPv4 address'],
    [
      sources(network('networks: [40.107.5.0/24]')),
      '40.107.5.0/24 overlaps 40.107.0.0/16 of Exchange Online outbound (SPF) (TXT spf.protection.outlook.com, seen',
    ],
    [sources(network('networks: [40.95.3.4]')), 'of Exchange Online relay pool'],
    [
      sources(network('networks: [127.0.0.0/24]')),
      '127.0.0.0/24 overlaps 127.0.0.2 of providers.m365.networks of the configuration',
    ],
    [sources(network('networks: [166.78.64.0/20]')), '166.78.64.0/20 overlaps 166.78.68.0/22 of Mailgun'],
    [
      sources(network('leases: [{ address: 54.240.1.1, from: 2026-01-01, until: 2026-02-01 }]')),
      'leases.0: 54.240.1.1 overlaps 54.240.0.0/18 of Amazon SES',
    ],
    [
      sources(network('leases: [{ address: 192.0.2.1, from: 2026-02-01, until: 2026-02-01 }]')),
      'leases.0.until: is not after from',
    ],
    [
      sources(network('leases: [{ address: 192.0.2.0/24, from: 2026-02-01, until: 2026-03-01 }]')),
      'leases.0.address: not an IPv4 address',
    ],
    [
      policy(
        customer(`sources: [${network('networks: [203.0.113.0/28]')}]`),
        customer(`sources: [${network('networks: [192.0.2.1, 203.0.113.5]')}]`, 'other'),
      ),
      'customers.1.sources.0.networks.1: 203.0.113.5 is shared with 203.0.113.0/28 of source n of customer acme at the same time',
    ],
    [
      policy(
        customer(`sources: [${network('networks: [203.0.113.5]')}]`),
        customer(`sources: [${network('networks: [203.0.113.0/28]')}]`, 'other'),
      ),
      'customers.0.sources.0.networks.0: 203.0.113.5 is shared with 203.0.113.0/28 of source n of customer other',
    ],
    [
      sources(`${network('networks: [192.0.2.9]', 'a')}, ${network('networks: [192.0.2.9]', 'b')}`),
      'sources.1.networks.0: 192.0.2.9 is shared with 192.0.2.9 of source a',
    ],
    [
      sources(
        `${network('leases: [{ address: 192.0.2.9, from: 2026-01-01, until: 2026-03-01 }]', 'a')}, ${network('leases: [{ address: 192.0.2.9, from: 2026-02-01, until: 2026-04-01 }]', 'b')}`,
      ),
      'sources.1.leases.0: 192.0.2.9 is shared with 192.0.2.9 of source a',
    ],
    [
      sources('{ id: x, kind: any }'),
      'sources.0.kind: must be "m365" or "google" or "smtp-auth" or "mtls" or "network"',
    ],
    [sources('{ id: x, kind: self }'), 'sources.0.kind: must be "m365"'],
  ])('%s', (text, expected) => {
    const told = problems(text)
    expect(told, told.join('\n')).toHaveLength(1)
    expect(told[0]).toContain(expected)
  })

  /** The policy around these grants has one broken source, which is told first. */
  test.each([
    [grant('source: m, domains: [acme.example], classes: [unknown]'), 'unknown is mail whose origin is not known'],
    [
      grant('source: m, domains: [acme.example], classes: ["*"]'),
      'classes.0: must be "hosted" or "hybrid" or "notification"',
    ],
    [grant('source: m, domains: [acme.example], classes: any'), 'classes: must be a list'],
    [grant('source: nobody, domains: [acme.example]'), 'grants.0.source: customer acme has no source nobody'],
    [grant('source: "*", domains: [acme.example]'), 'grants.0.source: must be lower-case'],
    [
      grant('source: g, domains: [acme.example], evidence: { arc: require }'),
      'grants.0.evidence.arc: ARC is evidence of Microsoft 365 alone',
    ],
    [grant('source: m, domains: ["*"]'), 'grants.0.domains.0: the domain has a malformed label'],
    [
      grant('source: m, domains: [other.example]'),
      'grants.0.domains.0: other.example is not a domain of customer acme',
    ],
    [
      grant('source: m, domains: [sub.acme.example]'),
      'grants.0.domains.0: sub.acme.example is not a domain of customer acme',
    ],
    [
      grant('source: m, domains: [relay.example.net]'),
      'grants.0.domains.0: relay.example.net is not a domain of customer acme',
    ],
    [
      grant('source: m, domains: [acme.example, ACME.example]'),
      'grants.0.domains.1: acme.example is granted to m by m already',
    ],
    [
      `${grant('source: m, domains: [acme.example]')}, ${grant('id: x, source: m, domains: [acme.example]')}`,
      'acme.example is granted to m by m already',
    ],
    [
      `${grant('id: x, source: m, domains: [acme.example]')}, ${grant('id: x, source: m, domains: [sub.example]')}`,
      'grants.1.id: this customer has another grant x',
    ],
    ['{ source: m, domains: [acme.example], classes: [hosted], reason: r }', 'grants.0.approvedBy: is missing'],
    ['{ source: m, domains: [acme.example], classes: [hosted], approvedBy: a }', 'grants.0.reason: is missing'],
    [
      grant('source: m, domains: [acme.example], limits: { messagesPerHour: 0 }'),
      'limits.messagesPerHour: must be 1 or more',
    ],
    [
      grant('source: m, domains: [acme.example], limits: { messagesPerHour: 1.5 }'),
      'limits.messagesPerHour: must be a whole number',
    ],
    [grant('source: m, domains: [acme.example], limits: { perHour: 1 }'), 'limits.perHour: there is no such key'],
    [
      grant('source: m, domains: [acme.example], evidence: { dkim: maybe }'),
      'evidence.dkim: must be "off" or "prefer" or "require"',
    ],
  ])('%s', (text, expected) => {
    const told = problems(grants(text))
    expect(told, told.join('\n')).toHaveLength(2)
    expect(told[0]).toContain('sources.2.kind: must be')
    expect(told[1]).toContain(expected)
  })

  test('a grant that names a broken source or a broken domain is not told too', () => {
    expect(problems(grants(grant('source: bad, domains: [acme.example]')))).toHaveLength(1)
    expect(
      problems(
        policy(
          customer(
            `domains: [{ name: co.uk }], sources: [${network('networks: []')}], grants: [${grant('source: n, domains: [co.uk]')}]`,
          ),
        ),
      ),
    ).toHaveLength(1)
  })

  test('a parent with includeSubdomains does not reach into the domain that another customer lists', () => {
    const told = problems(
      policy(
        customer(
          `domains: [{ name: acme.example, includeSubdomains: true }], sources: [${network('networks: []')}], grants: [${grant('source: n, domains: [shop.acme.example]')}]`,
        ),
        customer('domains: [{ name: shop.acme.example }]', 'shop'),
      ),
    )
    expect(told).toEqual([
      expect.stringContaining('customers.0.grants.0.domains.0: shop.acme.example is not a domain of customer acme'),
    ])
  })
})
