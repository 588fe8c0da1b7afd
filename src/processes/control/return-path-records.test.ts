import { expect, test } from 'vitest'
import type { Dns, Resolver } from '../../platform/dns.ts'
import { readZone, zoneResolver } from '../../platform/dns-zone.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import { returnPathRecords } from './return-path-records.ts'

const domain = 'bounce.acme.example' as Domain
const hostname = 'relay.example.net' as Domain

function dnsOf(zone: object, mx: readonly string[]): Dns & Resolver {
  const read = readZone(zone)
  if (isSyntaxFault(read)) throw new Error(read.reason)
  const none = () => Promise.resolve([])
  const exchanges = mx.map((exchange) => ({ preference: 10, exchange }))
  return {
    ...zoneResolver(read),
    mx: () => Promise.resolve(exchanges),
    addresses: () => Promise.resolve(['192.0.2.1']),
    txt: none,
    ptr: none,
    ns: none,
  }
}

async function found(spf: string | null, mx: readonly string[], addresses: readonly string[] = []) {
  const zone = { [hostname]: { A: ['192.0.2.1'] }, ...(spf === null ? {} : { [domain]: { TXT: [spf] } }) }
  const place = { hostname, addresses: addresses as readonly IpAddress[] }
  return (await returnPathRecords(dnsOf(zone, mx), domain, place)).map(({ type, value, seen }) => [type, value, seen])
}

test('what the owner of a return path publishes, and whether it is there', async () => {
  expect(await found(`v=spf1 a:${hostname} -all`, [hostname])).toEqual([
    ['MX', '10 relay.example.net.', true],
    ['TXT', 'v=spf1 a:relay.example.net -all', true],
  ])
  expect(await found('v=spf1 ip4:192.0.2.8 -all', ['mx.acme.example'], ['192.0.2.8', '2001:db8::8'])).toEqual([
    ['MX', '10 relay.example.net.', false],
    ['TXT', 'v=spf1 ip4:192.0.2.8 ip6:2001:db8::8 -all', false],
  ])
  expect((await found(null, [])).map(([, , seen]) => seen)).toEqual([false, false])
})
