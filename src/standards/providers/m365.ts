import type { Domain } from '../names/domain.ts'
import { type SharedRange, networksOf } from './range.ts'

/**
 * Where Exchange Online sends from by its own SPF record. Being inside proves Microsoft, not a tenant: address, EHLO and client
 * certificate are the same for all of them.
 */
export const m365Outbound: SharedRange = {
  provider: 'm365',
  name: 'Exchange Online outbound (SPF)',
  source: 'TXT spf.protection.outlook.com',
  date: '2026-07-01',
  current: true,
  networks: networksOf(`
    40.92.0.0/15 40.107.0.0/16 52.100.0.0/15 52.102.0.0/16 52.103.0.0/17 104.47.0.0/17
    2a01:111:f400::/48 2a01:111:f403::/49 2a01:111:f403:8000::/51 2a01:111:f403:c000::/51 2a01:111:f403:f000::/52`),
}

/**
 * The relay pool: mail whose sender is no accepted domain of the tenant leaves here, and Microsoft asks receivers not to take
 * Microsoft 365 for its real sender. It lies outside the SPF record.
 */
export const m365RelayPool: SharedRange = {
  provider: 'm365',
  name: 'Exchange Online relay pool',
  source: 'defender-docs, outbound-spam-high-risk-delivery-pool-about',
  date: '2026-07-01',
  current: true,
  networks: networksOf('40.95.0.0/16'),
}

/** The endpoints list is wider than the SPF record: mail from the difference fails SPF, so it proves nothing here. */
export const m365Endpoints: SharedRange = {
  provider: 'm365',
  name: 'Exchange Online endpoints (id 10)',
  source: 'Microsoft 365 endpoints web service, id 10',
  date: '2026-08-14',
  current: true,
  networks: networksOf('40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48'),
}

/** Consumer mailboxes leave here, partly through blocks that business tenants use too. */
export const m365Consumer: SharedRange = {
  provider: 'm365',
  name: 'Outlook.com outbound (SPF)',
  source: 'TXT spf2.outlook.com',
  date: '2026-07-01',
  current: true,
  networks: networksOf('40.92.0.0/16 52.103.0.0/17 2a01:111:f403:2800::/53 2a01:111:f403:d000::/53'),
}

/** Separate clouds with their own tenants: never taken for the public one. */
export const m365SovereignClouds: SharedRange = {
  provider: 'm365',
  name: 'Exchange Online of the separate German and Chinese clouds',
  source: 'TXT spf.protection.outlook.de and spf.protection.partner.outlook.cn',
  date: '2021-07-15',
  current: true,
  networks: networksOf(`
    51.4.72.0/24 51.4.80.0/27 51.5.72.0/24 51.5.80.0/27 42.159.161.0/24 42.159.33.0/24 42.159.163.64/26 139.219.16.0/24 139.219.146.0/24
    2a01:4180:4050:400::/64 2a01:4180:4050:800::/64 2a01:4180:4051:400::/64 2a01:4180:4051:800::/64 2406:e500:4440::/48`),
}

/** Lists of former years: still in deployed relay configurations, where they let in whoever has the addresses now. */
export const m365Historical: SharedRange = {
  provider: 'm365',
  name: 'Exchange Online, former lists',
  source: 'Exchange Online Protection address lists as published until 2020',
  date: '2020-06-30',
  current: false,
  networks: networksOf(`
    23.103.132.0/22 23.103.136.0/21 23.103.144.0/20 23.103.160.0/20 23.103.191.0/24 23.103.198.0/23 23.103.200.0/22 23.103.212.0/22
    40.92.0.0/14 40.107.0.0/17 40.107.128.0/18 52.100.0.0/14 65.55.88.0/24 65.55.169.0/24 94.245.120.64/26 104.47.0.0/17
    104.212.58.0/23 134.170.132.0/24 134.170.140.0/24 134.170.171.0/24 157.55.133.0/25 157.55.158.0/23 157.55.234.0/24
    157.56.110.0/23 157.56.112.0/24 157.56.116.0/25 157.56.120.0/25 207.46.51.64/26 207.46.100.0/24 207.46.163.0/24
    213.199.154.0/24 213.199.180.128/26 216.32.180.0/23`),
}

/** Reverse names of the outbound hosts lie below this name. */
export const m365ReverseDomain = 'protection.outlook.com' as string as Domain

/** `d=` of the ARC sets that Exchange Online seals. */
export const m365Sealer = 'microsoft.com' as string as Domain

/** Whether this is the initial domain of a tenant: a name right below onmicrosoft.com or its kin in other clouds. */
export function isInitialDomain(domain: Domain): boolean {
  return /^[a-z0-9-]+\.(?:onmicrosoft\.(?:com|us|de)|partner\.onmschina\.cn)$/.test(domain)
}
