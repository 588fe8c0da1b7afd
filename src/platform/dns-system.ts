import type { DnsTrouble, RecordData, RecordType } from '../standards/dns/inquiry.ts'
import { isSyntaxFault } from '../standards/fault.ts'
import { parseIp } from '../standards/names/ip.ts'
import { reverseName } from '../standards/names/reverse.ts'
import { cachedResolver } from './dns-cache.ts'
import { dnsClient } from './dns-client.ts'
import type { Clock } from './clock.ts'
import { type Dns, type Resolver, isDnsTrouble } from './dns.ts'

/**
 * DNS through the given servers (`address` or `address:port`, IPv6 in brackets with a port), or the system's when the list is
 * empty. No answer takes longer than `timeoutMs` milliseconds. Nothing is kept between questions, so that who must see a change at
 * once (key and domain checks) sees it as soon as those servers do.
 * @throws when a server is not an address.
 */
export function systemDns(servers: readonly string[], timeoutMs: number): Dns & Resolver {
  const resolver = dnsClient(servers, timeoutMs)
  return { ...dnsThrough(resolver), ask: (type, name) => resolver.ask(type, name) }
}

/** The same for who asks again and again: answers are kept for as long as they say. */
export function cachedDns(servers: readonly string[], timeoutMs: number, clock: Clock): Dns & Resolver {
  const resolver = cachedResolver(dnsClient(servers, timeoutMs), clock)
  return { ...dnsThrough(resolver), ...resolver }
}

/** DNS through one server alone, to hear its own answer. */
export function dnsAt(server: string, timeoutMs: number): Dns {
  return systemDns([server], timeoutMs)
}

/** The short answers from the long ones. */
function dnsThrough(resolver: Resolver): Dns {
  const records = async <Type extends RecordType>(
    type: Type,
    name: string,
  ): Promise<readonly RecordData[Type][] | DnsTrouble> => {
    const answer = await resolver.ask(type, name)
    return isDnsTrouble(answer) ? answer : answer.records
  }
  return {
    txt: (name) => records('TXT', name),
    mx: (name) => records('MX', name),
    ns: (name) => records('NS', name),
    async addresses(name, family) {
      if (family !== undefined) return records(family === 4 ? 'A' : 'AAAA', name)
      const [four, six] = await Promise.all([records('A', name), records('AAAA', name)])
      if (isDnsTrouble(four)) return four
      return isDnsTrouble(six) ? six : [...four, ...six]
    },
    async ptr(address) {
      const ip = parseIp(address)
      return isSyntaxFault(ip) ? { trouble: 'malformed', name: address } : records('PTR', reverseName(ip))
    },
  }
}
