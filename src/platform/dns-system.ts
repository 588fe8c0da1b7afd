import { Resolver } from 'node:dns/promises'
import { isSyntaxFault } from '../standards/fault.ts'
import { parseIp } from '../standards/names/ip.ts'
import { reverseName } from '../standards/names/reverse.ts'
import { type Dns, type DnsTrouble, isDnsTrouble } from './dns.ts'

/**
 * DNS through the given servers (`address` or `address:port`, IPv6 in brackets with a port), or the system's when the list is
 * empty. No answer takes longer than `timeoutMs` milliseconds. Nothing is kept between questions: caching is the work of the
 * resolver behind it, and who must see a change at once (key and domain checks) sees it.
 * @throws when a server is not an address.
 */
export function systemDns(servers: readonly string[], timeoutMs: number): Dns {
  // c-ares doubles the wait on its second try, so a third of the time for the first fits both into the whole.
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / 3)), tries: 2 })
  if (servers.length > 0) resolver.setServers(servers)
  const ask = <T>(name: string, question: () => Promise<readonly T[]>) => withinTime(name, timeoutMs, question)
  const family = async (name: string, which: 4 | 6) => {
    const found = await ask(name, () => (which === 4 ? resolver.resolve4(name) : resolver.resolve6(name)))
    return isDnsTrouble(found) ? found : canonical(name, found)
  }
  return {
    async txt(name) {
      const records = await ask(name, () => resolver.resolveTxt(name))
      return isDnsTrouble(records) ? records : records.map((strings) => strings.join(''))
    },
    async mx(name) {
      const records = await ask(name, () => resolver.resolveMx(name))
      return isDnsTrouble(records)
        ? records
        : records.map((one) => ({ preference: one.priority, exchange: plainName(one.exchange) }))
    },
    async addresses(name, only) {
      if (only !== undefined) return family(name, only)
      const [four, six] = await Promise.all([family(name, 4), family(name, 6)])
      if (isDnsTrouble(four)) return four
      return isDnsTrouble(six) ? six : [...four, ...six]
    },
    async ptr(address) {
      const ip = parseIp(address)
      if (isSyntaxFault(ip)) return { trouble: 'malformed', name: address }
      const name = reverseName(ip)
      // Not Resolver.reverse: it would answer from the machine's hosts file.
      const found = await ask(name, () => resolver.resolvePtr(name))
      return isDnsTrouble(found) ? found : found.map(plainName)
    },
    async ns(name) {
      const found = await ask(name, () => resolver.resolveNs(name))
      return isDnsTrouble(found) ? found : found.map(plainName)
    },
  }
}

/** DNS through one server alone, to hear its own answer. */
export function dnsAt(server: string, timeoutMs: number): Dns {
  return systemDns([server], timeoutMs)
}

async function withinTime<T>(
  name: string,
  timeoutMs: number,
  question: () => Promise<readonly T[]>,
): Promise<readonly T[] | DnsTrouble> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<DnsTrouble>((resolve) => {
    timer = setTimeout(() => resolve({ trouble: 'timeout', name }), timeoutMs)
  })
  try {
    return await Promise.race([question(), late])
  } catch (error) {
    return absenceOrTrouble(name, (error as NodeJS.ErrnoException).code)
  } finally {
    clearTimeout(timer)
  }
}

/** Only NXDOMAIN and NODATA prove absence; a code that we do not know is trouble. */
function absenceOrTrouble(name: string, code: string | undefined): readonly never[] | DnsTrouble {
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return []
    case 'ETIMEOUT':
    case 'ECANCELLED':
      return { trouble: 'timeout', name }
    case 'EREFUSED':
    case 'ECONNREFUSED':
      return { trouble: 'refused', name }
    case 'EBADRESP':
    case 'EFORMERR':
    case 'EBADNAME':
    case 'ENOTIMP':
    case 'ERR_INVALID_ARG_VALUE':
      return { trouble: 'malformed', name }
    default:
      return { trouble: 'servfail', name }
  }
}

function canonical(name: string, found: readonly string[]): readonly string[] | DnsTrouble {
  const addresses: string[] = []
  for (const text of found) {
    const address = parseIp(text)
    if (isSyntaxFault(address)) return { trouble: 'malformed', name }
    addresses.push(address)
  }
  return addresses
}

function plainName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}
