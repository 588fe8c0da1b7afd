import type { Config } from '../../config/index.ts'
import { authenticatePeer } from '../../path/evidence/authentication/index.ts'
import { type Dns, type Resolver, isDnsTrouble } from '../../platform/dns.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type IpAddress, parseIp } from '../../standards/names/ip.ts'
import { isSyntaxFault } from '../../standards/fault.ts'

/** What the owner of a return-path domain publishes, and whether it is there. */
export type ReturnPathRecord = {
  readonly name: string
  readonly type: 'MX' | 'TXT'
  readonly value: string
  readonly seen: boolean
  readonly because: string
}

/** How this relay is reached and from where it sends. */
export type OurPlace = {
  /** Where the feedback listener is. */
  readonly hostname: Domain
  /** Empty: the system chooses, so that the addresses of the hostname stand for them. */
  readonly addresses: readonly IpAddress[]
}

export function ourPlace({ hostname, delivery }: Config): OurPlace {
  const pooled = delivery.pools.flatMap((pool) => pool.addresses.map((one) => one.address))
  return { hostname, addresses: [...new Set([...delivery.sourceAddresses, ...pooled])] }
}

/** Looks for the MX that brings reports to us and the SPF record that lets us send with such a reverse-path (RFC 7208). */
export async function returnPathRecords(
  dns: Dns & Resolver,
  domain: Domain,
  place: OurPlace,
): Promise<readonly ReturnPathRecord[]> {
  const [exchange, policy] = await Promise.all([exchangeOf(dns, domain, place), policyOf(dns, domain, place)])
  return [exchange, policy]
}

async function exchangeOf(dns: Dns, name: Domain, { hostname }: OurPlace): Promise<ReturnPathRecord> {
  const record = { name, type: 'MX', value: `10 ${hostname}.` } as const
  const found = await dns.mx(name)
  if (isDnsTrouble(found)) return { ...record, seen: false, because: `DNS did not answer: ${found.trouble}` }
  if (found.some(({ exchange }) => exchange === hostname)) return { ...record, seen: true, because: 'it leads to us' }
  const others = found.map(({ exchange }) => exchange).join(', ')
  return { ...record, seen: false, because: others === '' ? 'there is none' : `it leads to ${others}` }
}

async function policyOf(dns: Dns & Resolver, name: Domain, place: OurPlace): Promise<ReturnPathRecord> {
  const mechanisms = place.addresses.map((ip) => (ip.includes(':') ? `ip6:${ip}` : `ip4:${ip}`))
  const value = `v=spf1 ${mechanisms.length === 0 ? `a:${place.hostname}` : mechanisms.join(' ')} -all`
  const record = { name, type: 'TXT', value } as const
  const addresses = place.addresses.length === 0 ? await addressesOf(dns, place.hostname) : place.addresses
  if (addresses.length === 0) {
    return { ...record, seen: false, because: `${place.hostname} has no address in DNS to check it by` }
  }
  for (const ip of addresses) {
    const world = { resolver: dns, clock: { now: () => Date.now(), steady: () => performance.now() }, receiver: null }
    const { result } = await authenticatePeer({ ip, helo: place.hostname, mailFrom: `return@${name}` }, world)
    if (result !== 'pass') return { ...record, seen: false, because: `SPF says ${result} to ${ip}` }
  }
  return { ...record, seen: true, because: 'SPF passes' }
}

async function addressesOf(dns: Dns, name: Domain): Promise<readonly IpAddress[]> {
  const found = await dns.addresses(name)
  if (isDnsTrouble(found)) return []
  return found.flatMap((text) => {
    const ip = parseIp(text)
    return isSyntaxFault(ip) ? [] : [ip]
  })
}
