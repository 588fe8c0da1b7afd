import { Resolver } from 'node:dns/promises'
import type { Dns, DnsTrouble } from './dns.ts'
import { dnsAt } from './dns-system.ts'

/** DNS that also tells what a name is an alias of: a server that is not a resolver answers with the alias alone (RFC 1034 §4.3.2). */
export interface AliasDns extends Dns {
  /** In lower case, without a trailing dot; `[]` for a name that is no alias. */
  cname(name: string): Promise<readonly string[] | DnsTrouble>
}

/** DNS through one server alone, aliases included. No answer takes longer than `timeoutMs` milliseconds. */
export function aliasDnsAt(server: string, timeoutMs: number): AliasDns {
  // c-ares doubles the wait on its second try, so a third of the time for the first fits both into the whole.
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / 3)), tries: 2 })
  resolver.setServers([server])
  return {
    ...dnsAt(server, timeoutMs),
    async cname(name) {
      try {
        return (await resolver.resolveCname(name)).map((target) => target.replace(/\.$/, '').toLowerCase())
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOTFOUND' || code === 'ENODATA') return []
        return { trouble: code === 'ETIMEOUT' ? 'timeout' : 'servfail', name }
      }
    },
  }
}
