import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isConfigProblems, loadConfig } from '../../../src/config/index.ts'
import { policyContext } from '../../../src/rooms/registry/document/context.ts'
import { isPolicyProblems } from '../../../src/rooms/registry/document/problems.ts'
import { type CheckedPolicy, readPolicy } from '../../../src/rooms/registry/document/read-policy.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import type { Domain } from '../../../src/standards/names/domain.ts'
import { type Network, bitsOf, networksOverlap, parseNetwork } from '../../../src/standards/names/ip.ts'
import { consumerTenant } from '../../../src/standards/names/tenant.ts'
import { isProviderOwnedDomain, sharedRanges } from '../../../src/standards/providers/index.ts'
import { type Target, must } from '../target.ts'

const everyone = ['0.0.0.0/0', '"::/0"', '"*"', 'any', '10.0.0.0/8', '40.92.0.0/15', '[]', 'null', '~', '{}']
const structure = [
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '? ',
  '- ',
  ': ',
  '\n',
  '\n  ',
  '[',
  '{',
  '}',
  ']',
  '# ',
  '"',
  "'",
  '__proto__: ',
  '---\n',
  '...\n',
  '| ',
  '%YAML 1.1\n',
]

const context = policyContext('relay.lab.example' as Domain, { m365: { networks: null }, google: { networks: null } })
const place = /^fuzz\.yaml:[0-9]+:[0-9]+ [^\n]+$/

/** A policy file: on any problem there is none, and what is read never holds more than the contract's section 3 lets anyone say. */
export const policy: Target = {
  name: 'policy',
  weight: 6,
  longest: 20_000,
  seeds: [
    `customers:
  - id: acme
    name: Acme Corp
    contacts: [{ email: security@acme.example, language: tr }]
    domains:
      - { name: acme.example, proof: asserted, approvedBy: a@relay.example, reason: x, includeSubdomains: true }
    sources:
      - { id: m, kind: m365, tenant: 3dd8961f-e488-4e60-8e11-a82d994e183d, originators: [acme.example], hybridHosts: [198.51.100.0/24] }
      - { id: n, kind: network, networks: [203.0.113.0/28, "2001:db8::/48"] }
      - { id: v, kind: network, leases: [{ address: 192.0.2.77, from: 2026-11-01T00:00Z, until: 2026-12-01T00:00Z }] }
    grants:
      - { source: m, domains: [acme.example], classes: [hosted, notification], approvedBy: a@acme.example, reason: y, limits: { messagesPerHour: 10 } }
      - { source: n, domains: [acme.example], classes: [hosted], approvedBy: a@acme.example, reason: y }
`,
    `customers:
  - { id: g, sources: [{ id: w, kind: network, networks: [198.18.0.0/20] }, { id: x, kind: network, networks: [198.18.16.0/20] }] }
`,
    `{"customers":[{"id":"j","domains":[{"name":"j.example"}],"sources":[{"id":"c","kind":"mtls","fingerprints":[]}],"grants":[]}]}`,
  ],
  words: [
    ...everyone,
    ...structure,
    'kind: network',
    'networks: ',
    'classes: [forwarded]',
    'classes: [unknown]',
    '/0',
    '/8',
    '/19',
    '/20',
    '/23',
    '/47',
    'onmicrosoft.com',
    'outlook.com',
    consumerTenant,
    'proof: dns',
    'leases: ',
    'id: acme',
  ],
  check(input) {
    const read = readPolicy(input.toString('utf8'), 'fuzz.yaml', context)
    if (isPolicyProblems(read)) {
      must(
        read.lines.length > 0 && read.lines.every((line) => place.test(line)),
        `a problem has its place: ${read.lines.find((line) => !place.test(line))}`,
      )
      return
    }
    mustBeNarrow(read)
  },
}

function mustBeNarrow({ customers }: CheckedPolicy): void {
  const held: { readonly source: string; readonly network: Network }[] = []
  for (const customer of customers) {
    for (const domain of customer.domains) {
      must(domain.name.includes('.') && !isProviderOwnedDomain(domain.name), `${domain.name} is somebody's own`)
    }
    for (const grant of customer.grants) {
      must(
        grant.classes.every((one) => ['hosted', 'hybrid', 'notification'].includes(one)),
        'classes are grantable',
      )
      must(
        customer.sources.some((one) => one.id === grant.source),
        'a grant names a source that is there',
      )
    }
    for (const source of customer.sources) {
      const name = `${customer.id}/${source.id}`
      if (source.kind === 'm365') {
        must(source.tenant !== consumerTenant, 'the consumer tenant is nobody')
        mustFit(source.hybridHosts, 24, 56)
      }
      if (source.kind !== 'network') continue
      mustFit(source.networks, 20, 48)
      held.push(...source.networks.map((text) => ({ source: name, network: networkOf(text) })))
    }
  }
  const double = held.find((one, at) =>
    held.some(
      (other, beside) => beside < at && other.source !== one.source && networksOverlap(other.network, one.network),
    ),
  )
  must(double === undefined, 'no address is two sources')
}

function mustFit(networks: readonly string[], narrowest4: number, narrowest6: number): void {
  for (const text of networks) {
    const network = networkOf(text)
    must(
      network.prefix >= (bitsOf(network.address) === 32 ? narrowest4 : narrowest6),
      `${text} is not wider than allowed`,
    )
    const shared = sharedRanges.some((range) => range.networks.some((one) => networksOverlap(one, network)))
    must(!shared, `${text} is no part of a shared range`)
  }
}

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  must(!isSyntaxFault(network), `${text} is a network`)
  return network
}

const directory = mkdtempSync(join(tmpdir(), 'anechoic-fuzz-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const file = join(directory, 'fuzz.yaml')

/** A configuration file: on any problem there is none, and what is read opens nothing. */
export const configuration: Target = {
  name: 'configuration',
  weight: 6,
  longest: 20_000,
  seeds: [
    `hostname: relay.example.net
operator: { domain: mail.example.net }
listeners:
  - { name: upstream, role: relay, host: 127.0.0.1, port: 2525, tls: { cert: ./c.pem, key: ./k.pem }, auth: true }
control: { host: 127.0.0.1, port: 8025, tls: null }
dns: { servers: ["127.0.0.1:5353"], timeoutMs: 3000 }
providers: { m365: { networks: [198.51.100.0/24], clientCertificate: { required: true, ca: system }, fcrdns: off } }
delivery: { routes: [{ domain: "*", host: 127.0.0.1, port: 2526, tls: opportunistic }], retry: { first: 60s, max: 4h } }
limits: { maxRecipients: \${COUNT} }
log: { level: info }
`,
    'workers: 1\nretention: { ledger: 400d }\nkeys: { wrapping: "file:./w" }\nstore: { url: "sqlite:./a.db" }\n',
    '{"hostname":"a.example","listeners":[{"name":"a","port":0}]}',
  ],
  words: [
    ...everyone,
    ...structure,
    '${',
    '${COUNT}',
    '$${X}',
    '${__proto__}',
    'required: false',
    'host: 0.0.0.0',
    'port: 65536',
    '0s',
    '9999999999d',
    'postgres://h',
    'command:',
    'publicUrl: http://a.example',
  ],
  check(input) {
    writeFileSync(file, input)
    const config = loadConfig('fuzz.yaml', { COUNT: '7' }, { directory, machineName: 'fuzz', opensFiles: false })
    if (isConfigProblems(config)) {
      must(
        config.problems.length > 0 && config.problems.every((line) => place.test(line)),
        `a problem has its place: ${config.problems.find((line) => !place.test(line))}`,
      )
      return
    }
    const { control, providers, workers, listeners } = config
    const loopback = /^127\.|^::1$|^localhost$/i.test(control.host)
    must(loopback || control.tls !== null, 'control speaks plain HTTP on loopback only')
    must(providers.m365.clientCertificate.required, 'a client certificate is required')
    for (const network of [...(providers.m365.networks ?? []), ...(providers.google.networks ?? [])]) {
      must(network.prefix >= (bitsOf(network.address) === 32 ? 12 : 32), 'no list of a provider is wider than allowed')
    }
    must(workers >= 1 && workers <= 32 && listeners.length > 0, 'there are few relay processes and they listen')
    must(
      listeners.every((one) => one.tls !== null || (!one.auth && !one.requireTls)),
      'passwords need TLS',
    )
  },
}
