import { describe, expect, it } from 'vitest'
import { formatNetwork } from '../../../standards/names/ip.ts'
import { m365Outbound } from '../../../standards/providers/index.ts'
import { ip, network } from '../../decision/testing/policy.ts'
import { dnsFrom } from '../testing/occasion.ts'
import { ProviderNetworks } from './provider-networks.ts'

const now = Date.UTC(2026, 10, 24)
const day = 86_400_000
const builtIn = m365Outbound.networks.map(formatNetwork)
const spf = (...networks: readonly string[]) =>
  `v=spf1 ${networks.map((one) => `${one.includes(':') ? 'ip6' : 'ip4'}:${one}`).join(' ')} -all`

async function refreshed(...records: readonly string[]) {
  const networks = new ProviderNetworks({ m365: null, google: null })
  const refresh = await networks.refresh(dnsFrom({ 'txt spf.protection.outlook.com': records }), now)
  return { networks, refresh }
}

describe('refresh', () => {
  it('confirms the list in force', async () => {
    const { networks, refresh } = await refreshed('other=1', spf(...builtIn))
    expect(refresh).toEqual({ kind: 'unchanged' })
    expect(networks.status(now + 29 * day).stale).toBe(false)
    expect(networks.status(now + 31 * day).stale).toBe(true)
  })

  it('takes a step, and tells it', async () => {
    const { networks, refresh } = await refreshed(
      spf(...builtIn.filter((one) => one !== '104.47.0.0/17'), '20.33.0.0/17'),
    )
    expect(refresh).toEqual({ kind: 'changed', added: ['20.33.0.0/17'], removed: ['104.47.0.0/17'] })
    expect(networks.lookup(ip('20.33.1.1'))).toMatchObject({ kind: 'm365', relayPool: false })
    expect(networks.lookup(ip('104.47.1.1'))).toMatchObject({ kind: 'shared', providersOwn: true })
    expect(networks.lookup(ip('40.95.1.1'))).toMatchObject({ kind: 'm365', relayPool: true })
  })

  it.each([
    ['no record', []],
    ['two records', [spf(...builtIn), spf(...builtIn)]],
    ['something else', ['v=spf10 ip4:40.107.0.0/16']],
    ['the whole Internet', [spf(...builtIn, '0.0.0.0/0')]],
    ['a block wider than /12', [spf(...builtIn, '40.0.0.0/11')]],
    ['an IPv6 block wider than /32', [spf(...builtIn, '2a00::/31')]],
    ['loopback', [spf(...builtIn, '127.0.0.0/16')]],
    ['private space', [spf(...builtIn, '10.1.0.0/16')]],
    ['documentation space', [spf(...builtIn, '2001:db8::/48')]],
    ["Google's addresses", [spf(...builtIn, '209.85.128.0/17')]],
    ['mailing services', [spf(...builtIn, '54.240.0.0/18')]],
    ['too much growth', [spf(...builtIn, '20.0.0.0/12')]],
    ['nearly nothing', [spf('40.107.1.0/24')]],
    ['no IPv6 any more', [spf(...builtIn.filter((one) => !one.includes(':')))]],
    ['an include', [`v=spf1 include:spf.example ${spf(...builtIn).slice(7)}`]],
    ['a redirect', ['v=spf1 redirect=spf.example']],
    ['a pass for all', [`${spf(...builtIn).slice(0, -4)}+all`]],
    ['a block with bits beyond its prefix', [spf(...builtIn, '40.107.1.1/16')]],
    ['too many blocks', [spf(...builtIn, ...Array.from({ length: 100 }, (_, at) => `20.1.${at}.0/24`))]],
  ])('keeps the old list at %s', async (_, records) => {
    const { networks, refresh } = await refreshed(...records)
    expect(refresh.kind).toBe('kept')
    expect(networks.status(now).networks).toEqual(m365Outbound.networks)
    expect(networks.status(now).stale).toBe(true)
  })

  it('keeps the old list at trouble', async () => {
    const networks = new ProviderNetworks({ m365: null, google: null })
    const refresh = await networks.refresh(dnsFrom({ 'txt spf.protection.outlook.com': 'timeout' }), now)
    expect(refresh).toEqual({ kind: 'kept', because: 'no answer for spf.protection.outlook.com: timeout' })
  })

  it('leaves a configured list alone, and never calls it stale', async () => {
    const networks = new ProviderNetworks({ m365: [network('127.0.0.2')], google: null })
    const dns = dnsFrom({ 'txt spf.protection.outlook.com': [spf(...builtIn)] })
    expect((await networks.refresh(dns, now)).kind).toBe('kept')
    expect(dns.asked).toEqual([])
    expect(networks.status(now)).toMatchObject({ source: 'configuration', stale: false })
  })
})

describe('lookup', () => {
  it.each([
    ['40.93.6.104', { kind: 'm365', network: '40.92.0.0/15', relayPool: false }],
    ['209.85.208.65', { kind: 'google', network: '209.85.128.0/17' }],
    ['52.103.200.1', { kind: 'shared', providersOwn: true }],
    ['207.46.100.1', { kind: 'shared', providersOwn: false }],
    ['54.240.8.1', { kind: 'shared', providersOwn: false }],
    ['192.0.2.1', { kind: 'nobody' }],
  ])('%s', (address, wanted) => {
    expect(new ProviderNetworks({ m365: null, google: null }).lookup(ip(address))).toMatchObject(wanted)
  })

  it('lets the longest block answer where configured lists overlap', () => {
    const networks = new ProviderNetworks({ m365: [network('127.0.0.2')], google: [network('127.0.0.0/8')] })
    expect(networks.lookup(ip('127.0.0.2')).kind).toBe('m365')
    expect(networks.lookup(ip('127.0.0.3')).kind).toBe('google')
  })
})
