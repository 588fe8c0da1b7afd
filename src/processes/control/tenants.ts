import { getServers } from 'node:dns'
import { setTimeout as pause } from 'node:timers/promises'
import type { ResolvedDomain } from '../../doors/operations.ts'
import { aliasDnsAt } from '../../platform/dns-alias.ts'
import { isDnsTrouble } from '../../platform/dns.ts'
import { fetchJson } from '../../platform/fetch-json.ts'
import type { CheckedPolicy, Registry } from '../../rooms/registry/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { type Domain, parseDomain } from '../../standards/names/domain.ts'
import { dkimAliasNames, initialDomainOfAlias, tenantOfIssuer } from '../../standards/providers/m365-tenant.ts'

const fetchLimits = { timeoutMs: 5000, maxOctets: 65_536 }
/** Domains asked about at once: the service is somebody else's. */
const atOnce = 4

export type TenantFinder = {
  /** Whether Microsoft is asked at all. */
  readonly asks: boolean
  /** What Microsoft and DNS say of these domains, or of all that the policy names; of what is no domain a row that says so. */
  resolve(names: readonly string[] | null): Promise<readonly ResolvedDomain[]>
}

/** Finds out which Microsoft 365 tenant a domain belongs to. `login` null: Microsoft is not asked. */
export function openTenantFinder(options: {
  readonly registry: Registry
  readonly login: string | null
  readonly servers: readonly string[]
  readonly timeoutMs: number
}): TenantFinder {
  const { registry, login, servers, timeoutMs } = options
  const dns = aliasDnsAt(servers[0] ?? getServers()[0] ?? '127.0.0.1', timeoutMs)

  const tenantOf = async (domain: Domain): Promise<{ readonly tenant: string | null; readonly how: string }> => {
    if (login === null) return { tenant: null, how: 'providers.m365.login is off' }
    const url = `${login.replace(/\/$/, '')}/${domain}/v2.0/.well-known/openid-configuration`
    const fetched = await fetchJson(url, fetchLimits)
    if ('trouble' in fetched) return { tenant: null, how: `${url}: ${fetched.trouble}` }
    const { json } = fetched
    const issuer = typeof json === 'object' && json !== null && 'issuer' in json ? json.issuer : undefined
    const tenant = tenantOfIssuer(issuer)
    return isSyntaxFault(tenant) ? { tenant: null, how: `${url}: ${tenant.reason}` } : { tenant, how: url }
  }

  const initialOf = async (domain: Domain): Promise<{ readonly initial: string | null; readonly how: string }> => {
    const asked = await Promise.all(
      dkimAliasNames(domain).map(async (name) => ({ name, targets: await dns.cname(name) })),
    )
    for (const { name, targets } of asked) {
      if (isDnsTrouble(targets)) continue
      for (const target of targets) {
        const initial = initialDomainOfAlias(domain, target)
        if (initial !== null) return { initial, how: `${name} CNAME ${target}` }
      }
    }
    const troubled = asked.find(({ targets }) => isDnsTrouble(targets))
    const how =
      troubled === undefined ? 'no DKIM alias of the domain leads to Microsoft' : `${troubled.name}: DNS trouble`
    return { initial: null, how }
  }

  const resolveOne = async (
    name: string,
    named: ReadonlyMap<string, ResolvedDomain['sources']>,
  ): Promise<ResolvedDomain> => {
    const domain = parseDomain(name)
    if (isSyntaxFault(domain)) {
      const none = { tenant: null, initialDomain: null, sources: [] }
      return { domain: name, ...none, tenantBy: domain.reason, initialDomainBy: domain.reason }
    }
    const [found, initial] = await Promise.all([tenantOf(domain), initialOf(domain)])
    return {
      domain,
      tenant: found.tenant,
      tenantBy: found.how,
      initialDomain: initial.initial,
      initialDomainBy: initial.how,
      sources: named.get(domain) ?? [],
    }
  }

  return {
    asks: login !== null,
    resolve: async (names) => {
      const named = await originators(registry)
      const wanted = names ?? [...named.keys()].toSorted()
      const rows: ResolvedDomain[] = []
      for (let from = 0; from < wanted.length; from += atOnce)
        rows.push(...(await Promise.all(wanted.slice(from, from + atOnce).map((name) => resolveOne(name, named)))))
      return rows
    },
  }
}

/** The originator domains that Microsoft 365 sources of the policy name, and which those are. */
async function originators(registry: Registry): Promise<ReadonlyMap<string, ResolvedDomain['sources']>> {
  const named = new Map<string, ResolvedDomain['sources'][number][]>()
  for (const customer of (await registry.load()).customers.values()) {
    for (const source of customer.sources) {
      if (source.kind !== 'm365') continue
      for (const originator of source.originators) {
        const { id, tenant } = source
        named.set(originator, [...(named.get(originator) ?? []), { customer: customer.id, source: id, tenant }])
      }
    }
  }
  return named
}

/** New tenants of a policy about which its author is told at once, and how long an answer may take, in milliseconds. */
const mostNotes = 5
const notesWithinMs = 3000

/** What Microsoft says of the tenants that are new by a plan, so that nobody has typed an id blind. Nothing where it does not answer soon. */
export async function notesOnTenants(
  tenants: TenantFinder,
  policy: CheckedPolicy,
  plan: readonly string[],
): Promise<readonly string[]> {
  if (!tenants.asks) return []
  const fresh = plan.flatMap((line) => /^\+ source (\S+) (\S+) m365$/.exec(line)?.slice(1, 3).join(' ') ?? [])
  const sources = fresh.slice(0, mostNotes).flatMap((name) => sourceNamed(policy, name))
  const notes = sources.map(async ({ id, tenant, originators }): Promise<readonly string[]> => {
    const rows = await tenants.resolve(originators.slice(0, 1))
    return rows.flatMap(({ domain, tenant: found, initialDomain }) => {
      if (found === null) return []
      const initial = initialDomain === null ? '' : ` (${initialDomain})`
      const word = found === tenant ? 'as the policy says' : `but the policy says ${tenant}`
      return [`${id}: Microsoft says that ${domain} is of tenant ${found}${initial}, ${word}`]
    })
  })
  const all = Promise.all(notes).catch(() => [])
  const late = pause(notesWithinMs, [] as (readonly string[])[], { ref: false })
  return (await Promise.race([all, late])).flat()
}

function sourceNamed(policy: CheckedPolicy, name: string) {
  const [customer = '', source = ''] = name.split(' ')
  const document = policy.documents.get(customer)
  if (document === undefined) return []
  // Written by the policy's own schema.
  const { sources } = JSON.parse(document) as CheckedPolicy['customers'][number]
  return sources.flatMap((one) => (one.id === source && one.kind === 'm365' ? [one] : []))
}
