import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { type IpAddress, networkContains, networksOverlap, parseIp, parseNetwork } from '../names/ip.ts'
import {
  googleOutbound,
  isConsumerOriginator,
  isProviderCertificateName,
  isProviderOwnedDomain,
  m365Endpoints,
  m365Outbound,
  m365RelayPool,
  sharedRanges,
} from './index.ts'

const domain = (text: string): Domain => {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(text)
  return parsed
}
const ip = (text: string): IpAddress => {
  const parsed = parseIp(text)
  if (isSyntaxFault(parsed)) throw new Error(text)
  return parsed
}

describe('shared ranges', () => {
  it('carry a source and a date', () => {
    for (const range of sharedRanges) {
      expect(range.source).not.toBe('')
      expect(range.date).toMatch(/^20\d\d-\d\d-\d\d$/)
      expect(range.networks.length).toBeGreaterThan(0)
    }
  })

  it('hold the SPF list of Exchange Online, 458,752 IPv4 addresses in all', () => {
    const four = m365Outbound.networks.filter((network) => !network.address.includes(':'))
    expect(four.reduce((sum, network) => sum + 2 ** (32 - network.prefix), 0)).toBe(458_752)
  })

  it.each(['40.93.6.104', '40.107.220.136', '104.47.57.41', '2a01:111:f400:7eaa::730', '2a01:111:f403:2011::629'])(
    'know %s as Exchange Online',
    (address) => {
      expect(m365Outbound.networks.some((network) => networkContains(network, ip(address)))).toBe(true)
    },
  )

  it('keep the relay pool and the wider list apart from the SPF list', () => {
    const inSpf = (address: string) => m365Outbound.networks.some((network) => networkContains(network, ip(address)))
    expect(inSpf('40.95.1.1')).toBe(false)
    expect(m365RelayPool.networks.some((network) => networkContains(network, ip('40.95.1.1')))).toBe(true)
    expect(inSpf('52.103.171.1')).toBe(false)
    expect(m365Endpoints.networks.some((network) => networkContains(network, ip('52.103.171.1')))).toBe(true)
  })

  it.each([
    '40.92.0.0/14',
    '207.46.100.0/24',
    '216.32.180.0/23',
    '209.85.128.0/20',
    '54.240.8.0/24',
    '2a01:111:f400::/56',
    '40.107.1.1',
  ])('overlap %s', (text) => {
    const network = parseNetwork(text)
    if (isSyntaxFault(network)) throw new Error(text)
    expect(sharedRanges.some((range) => range.networks.some((one) => networksOverlap(one, network)))).toBe(true)
  })

  it('leave private, loopback and documentation space alone', () => {
    for (const text of [
      '127.0.0.0/8',
      '10.0.0.0/8',
      '192.168.0.0/16',
      '203.0.113.0/24',
      '198.51.100.0/24',
      '2001:db8::/32',
    ]) {
      const network = parseNetwork(text)
      if (isSyntaxFault(network)) throw new Error(text)
      expect(sharedRanges.filter((range) => range.networks.some((one) => networksOverlap(one, network)))).toEqual([])
    }
  })

  it('know a Gmail address', () => {
    expect(googleOutbound.networks.some((network) => networkContains(network, ip('209.85.208.65')))).toBe(true)
  })
})

describe('isProviderOwnedDomain', () => {
  it.each([
    'onmicrosoft.com',
    'brand.onmicrosoft.com',
    'a.b.onmicrosoft.com',
    'acme-example.20230601.gappssmtp.com',
    'gmail.com',
    'outlook.com',
    'hotmail.co.uk',
    'x.hotmail.fr',
    'hotmail.com.tr',
    'live.nl',
    'outlook.com.tr',
    'mail.protection.outlook.com',
  ])('holds %s', (name) => {
    expect(isProviderOwnedDomain(domain(name))).toBe(true)
  })

  it.each([
    'acme.example',
    'notonmicrosoft.com',
    'live.tv',
    'hotmail.example',
    'onmicrosoft.com.example',
    'com',
    'myhotmail.com',
  ])('leaves %s to its owner', (name) => {
    expect(isProviderOwnedDomain(domain(name))).toBe(false)
  })
})

describe('isConsumerOriginator', () => {
  it.each([
    'sct-15-20-4755-11-msonline-outlook-edb50.templateTenant',
    'OUTLOOK.COM',
    'outlook.com.',
    'hotmail.com',
    'hotmail.co.jp',
    'live.com',
    'live.co.uk',
    'msn.com',
  ])('holds %s', (text) => {
    expect(isConsumerOriginator(text)).toBe(true)
  })

  it.each(['acme.example', 'templatetenant.example', 'notoutlook.com', 'x.onmicrosoft.com', ''])(
    'leaves %s',
    (text) => {
      expect(isConsumerOriginator(text)).toBe(false)
    },
  )
})

describe('isProviderCertificateName', () => {
  it.each([
    'mail.protection.outlook.com',
    '*.mail.protection.outlook.com',
    'Mail.Protection.Outlook.com',
    'smtp.gmail.com',
  ])('holds %s', (name) => {
    expect(isProviderCertificateName(name)).toBe(true)
  })
  it.each(['erp.acme.example', 'mail.protection.outlook.com.evil.example', ''])('leaves %s', (name) => {
    expect(isProviderCertificateName(name)).toBe(false)
  })
})
