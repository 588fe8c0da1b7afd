import { beforeAll, describe, expect, it } from 'vitest'
import { type Made, certificate } from '../../../lab/world/faulty-certificates.ts'
import { acme, acmeWith, ip, network, now, policyOf } from '../decision/testing/policy.ts'
import { authoritiesFrom } from './certificate/authorities.ts'
import { CertificateVerifier } from './certificate/certificate-verifier.ts'
import { fingerprintOf } from './certificate/fingerprint.ts'
import { type Provers, proveConnection } from './connection.ts'
import type { ConnectionProof } from './evidence.ts'
import { ProviderNetworks } from './networks/provider-networks.ts'
import { ReverseDns } from './reverse-dns.ts'
import { type Answers, type SessionOptions, dnsFrom, session } from './testing/occasion.ts'

const clock = Date.now()
let root: Made
let exchange: Made
let erp: Made
let posing: Made

beforeAll(async () => {
  root = await certificate({ subject: 'CN=Root' })
  const names = ['mail.protection.outlook.com']
  exchange = await certificate({ subject: 'CN=mail.protection.outlook.com', issuer: root, dnsNames: names })
  posing = await certificate({ subject: 'CN=mail.protection.outlook.com', dnsNames: names })
  erp = await certificate({ subject: 'CN=erp.acme.example', dnsNames: ['erp.acme.example'] })
})

type World = {
  readonly m365?: readonly string[]
  readonly google?: readonly string[]
  readonly fcrdns?: 'off' | 'prefer' | 'require'
  readonly answers?: Answers
  readonly sources?: typeof acme.sources
  readonly noPolicy?: boolean
}

async function prove(options: SessionOptions, world: World = {}): Promise<ConnectionProof> {
  const provers: Provers = {
    networks: new ProviderNetworks({
      m365: world.m365?.map(network) ?? null,
      google: world.google?.map(network) ?? null,
    }),
    certificates: new CertificateVerifier(['mail.protection.outlook.com'], authoritiesFrom(root.pem)),
    reverse: new ReverseDns(dnsFrom(world.answers ?? {})),
    fcrdns: world.fcrdns ?? 'off',
  }
  const policy = world.noPolicy === true ? null : policyOf([acmeWith({ sources: world.sources ?? acme.sources })])
  return proveConnection(provers, session(options), policy, clock)
}

const because = (proof: ConnectionProof) => ('because' in proof ? `${proof.kind}: ${proof.because}` : proof.kind)

describe('Microsoft 365', () => {
  it('is proven by address and certificate together', async () => {
    expect(await prove({ address: '40.107.220.136', chain: [exchange.der] })).toEqual({
      kind: 'm365',
      network: { value: '40.107.0.0/16', proof: 'address-list' },
      certificate: { value: 'mail.protection.outlook.com', proof: 'client-certificate' },
      relayPool: false,
      fcrdns: 'off',
    })
    expect(await prove({ address: '2a01:111:f403:2011::629', chain: [exchange.der] })).toMatchObject({ kind: 'm365' })
  })

  it('is proven at the addresses that the configuration names instead, and only there', async () => {
    const world = { m365: ['127.0.0.2/32'] }
    expect(await prove({ address: '127.0.0.2', chain: [exchange.der] }, world)).toMatchObject({ kind: 'm365' })
    expect(await prove({ address: '127.0.0.3', chain: [exchange.der] }, world)).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address: '40.107.220.136', chain: [exchange.der] }, world)).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address: '127.0.0.2', chain: [exchange.der] }, { m365: [] })).toMatchObject({
      kind: 'unproven',
    })
  })

  it('is marked when it is the relay pool, whatever list is in force', async () => {
    for (const world of [{}, { m365: ['127.0.0.2/32'] }, { m365: ['40.92.0.0/14'] }]) {
      const proof = await prove({ address: '40.95.1.1', chain: [exchange.der] }, world)
      expect(proof).toMatchObject({ kind: 'm365', relayPool: true })
    }
  })

  it.each([
    ['without TLS', { chain: null }, 'the connection is not under TLS'],
    ['without a certificate', { chain: [] }, 'no client certificate was presented'],
  ] as const)('is not proven %s', async (_, options, words) => {
    expect(because(await prove({ address: '40.107.220.136', ...options }))).toContain(words)
  })

  it('is not proven by a certificate of its name that nobody issued, nor by one of ours', async () => {
    expect(because(await prove({ address: '40.107.220.136', chain: [posing.der] }))).toContain('no authority')
    expect(because(await prove({ address: '40.107.220.136', chain: [erp.der] }))).toContain('none of the names')
  })

  it('is not proven by its certificate from elsewhere', async () => {
    expect(because(await prove({ address: '192.0.2.9', chain: [exchange.der] }))).toMatch(
      /^unproven: .*in no provider's list/,
    )
  })

  it.each(['52.103.171.1', '2a01:111:f403:a000::1', '2406:e500:4440:2::72d', '51.4.72.1'])(
    'is not proven at %s, which only other lists of its hold',
    async (address) => {
      expect(because(await prove({ address, chain: [exchange.der] }))).toMatch(/^unproven: .*proves no source/)
    },
  )

  it('is never an account, a certificate or an address of one party', async () => {
    const fingerprints = [fingerprintOf(erp.der), fingerprintOf(exchange.der)]
    const sources = [
      { customer: 'acme', id: 'crm', kind: 'smtp-auth', username: 'crm@acme', passwordHash: 'unused' },
      { customer: 'acme', id: 'erp', kind: 'mtls', fingerprints },
      { customer: 'acme', id: 'net', kind: 'network', networks: [network('40.107.220.0/24')], leases: [] },
    ] as const
    const address = '40.107.220.136'
    expect(await prove({ address, chain: [], account: 'crm@acme' }, { sources })).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address, chain: [erp.der] }, { sources })).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address, chain: null }, { sources })).toMatchObject({ kind: 'unproven' })
    // Its own certificate from another place is nobody's either, whoever lists it.
    expect(await prove({ address: '192.0.2.9', chain: [exchange.der] }, { sources })).toMatchObject({
      kind: 'unproven',
    })
  })
})

describe('reverse names', () => {
  const address = '40.107.220.136'
  const name = 'mail-dm6nam11on2136.outbound.protection.outlook.com'
  const good: Answers = { [`ptr ${address}`]: [name], [`addresses ${name}`]: [address] }
  const run = (fcrdns: 'off' | 'prefer' | 'require', answers: Answers) =>
    prove({ address, chain: [exchange.der] }, { fcrdns, answers })

  it('are confirmed forward', async () => {
    expect(await run('require', good)).toMatchObject({ kind: 'm365', fcrdns: 'pass' })
    expect(await run('prefer', good)).toMatchObject({ kind: 'm365', fcrdns: 'pass' })
  })
  it.each([
    ['absent', {}],
    ['not confirmed', { [`ptr ${address}`]: [name], [`addresses ${name}`]: ['192.0.2.1'] }],
    ["somebody else's", { [`ptr ${address}`]: ['mx.evil.example'], 'addresses mx.evil.example': [address] }],
    [
      'only alike',
      {
        [`ptr ${address}`]: ['protection.outlook.com.evil.example'],
        'addresses protection.outlook.com.evil.example': [address],
      },
    ],
  ] as const)('that are %s fail', async (_, answers) => {
    expect(await run('prefer', answers)).toMatchObject({ kind: 'm365', fcrdns: 'fail' })
    expect(because(await run('require', answers))).toMatch(/^unproven: /)
  })
  it.each([
    ['PTR', { [`ptr ${address}`]: 'timeout' }],
    ['addresses', { [`ptr ${address}`]: [name], [`addresses ${name}`]: 'servfail' }],
  ] as const)('with trouble in %s are told from absence', async (_, answers) => {
    expect(await run('prefer', answers)).toMatchObject({ kind: 'm365', fcrdns: 'unavailable' })
    expect(because(await run('require', answers))).toMatch(/^lookup-failed: /)
  })
  it('are not asked for when off', async () => {
    expect(await run('off', { [`ptr ${address}`]: 'timeout' })).toMatchObject({ kind: 'm365', fcrdns: 'off' })
  })
  it('are remembered, trouble is not', async () => {
    const dns = dnsFrom({ ...good, 'ptr 40.107.1.1': 'timeout' })
    const reverse = new ReverseDns(dns)
    for (const at of [0, 1000]) {
      expect(await reverse.check(ip(address), at)).toBe('pass')
      expect(await reverse.check(ip('40.107.1.1'), at)).toBe('unavailable')
    }
    expect(dns.asked.filter((one) => one === `ptr ${address}`)).toHaveLength(1)
    expect(dns.asked.filter((one) => one === 'ptr 40.107.1.1')).toHaveLength(2)
  })
})

describe('Google', () => {
  it('is proven by its address, and by no account or certificate that comes with it', async () => {
    const google = { kind: 'google', network: { value: '209.85.128.0/17', proof: 'address-list' } }
    expect(await prove({ address: '209.85.208.65', account: 'crm@acme' })).toEqual(google)
    expect(await prove({ address: '209.85.208.65', chain: [erp.der] })).toEqual(google)
    const listed = await prove({ address: '203.0.113.5' }, { google: ['203.0.113.0/24'] })
    expect(listed).toMatchObject({ kind: 'google', network: { value: '203.0.113.0/24' } })
  })
})

describe('a source of one party', () => {
  it('is an account that signed in', async () => {
    expect(await prove({ account: 'crm@acme' })).toEqual({
      kind: 'smtp-auth',
      account: { value: 'crm@acme', proof: 'account' },
      source: { customer: 'acme', source: 'acme-crm' },
    })
  })

  it('is not an account that is listed no more, even at a listed address', async () => {
    expect(because(await prove({ address: '203.0.113.5', account: 'gone@acme' }))).toBe(
      'unproven: the account that signed in is listed no more',
    )
  })

  it('is a listed certificate, and a listed address when the certificate is not listed', async () => {
    const sources = [
      ...acme.sources.filter((one) => one.kind !== 'mtls'),
      { customer: 'acme', id: 'acme-erp', kind: 'mtls', fingerprints: [fingerprintOf(erp.der)] } as const,
    ]
    expect(await prove({ chain: [erp.der] }, { sources })).toEqual({
      kind: 'mtls',
      fingerprint: { value: fingerprintOf(erp.der), proof: 'client-certificate' },
      source: { customer: 'acme', source: 'acme-erp' },
    })
    expect(await prove({ chain: [erp.der] })).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address: '203.0.113.5', chain: [erp.der] })).toMatchObject({ kind: 'network' })
  })

  it('is a listed address, with TLS or without', async () => {
    expect(await prove({ address: '203.0.113.5', chain: null })).toEqual({
      kind: 'network',
      address: { value: '203.0.113.5', proof: 'listed-address' },
      source: { customer: 'acme', source: 'acme-plant' },
    })
    expect(because(await prove({ address: '203.0.113.16' }))).toMatch(/^unproven: /)
  })

  it('is a lease only while it lasts', async () => {
    const lease = (from: number, until: number) => ({
      sources: [
        {
          customer: 'acme',
          id: 'vps',
          kind: 'network',
          networks: [],
          leases: [{ address: ip('198.51.100.9'), from, until }],
        },
      ] as const,
    })
    expect(await prove({ address: '198.51.100.9' }, lease(0, clock + 1))).toMatchObject({ kind: 'network' })
    expect(await prove({ address: '198.51.100.9' }, lease(0, clock))).toMatchObject({ kind: 'unproven' })
    expect(await prove({ address: '198.51.100.9' }, lease(now + 10 * 365 * 86_400_000, Infinity))).toMatchObject({
      kind: 'unproven',
    })
  })

  it('is no address in a shared range, though an old policy may list it; an account there may', async () => {
    const sources = [
      ...acme.sources.filter((one) => one.kind === 'smtp-auth'),
      { customer: 'acme', id: 'ses', kind: 'network', networks: [network('54.240.8.0/24')], leases: [] } as const,
    ]
    expect(because(await prove({ address: '54.240.8.1' }, { sources }))).toMatch(/Amazon SES, a shared sending range/)
    expect(await prove({ address: '54.240.8.1', account: 'crm@acme' }, { sources })).toMatchObject({
      kind: 'smtp-auth',
    })
  })

  it('cannot be told without a policy', async () => {
    expect(await prove({ account: 'crm@acme' }, { noPolicy: true })).toMatchObject({ kind: 'lookup-failed' })
    expect(await prove({ address: '40.107.1.1', chain: [exchange.der] }, { noPolicy: true })).toMatchObject({
      kind: 'm365',
    })
  })
})
