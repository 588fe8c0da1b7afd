import { type Dns, isDnsTrouble } from '../../platform/dns.ts'
import { type Domain, parentOf } from '../../standards/names/domain.ts'

/** What one place answered when asked for TXT records. `texts` is null when it answered nothing that counts; `because` then says why. */
export type Said = { readonly who: string; readonly texts: readonly string[] | null; readonly because: string }

/** What those answered who know a name at first hand; `zone` is null where the resolver had to answer for them. */
export type FirstHand =
  | { readonly kind: 'answers'; readonly zone: string | null; readonly said: readonly Said[] }
  | { readonly kind: 'trouble'; readonly because: string }

/** More name servers than any zone has; a hostile zone must not make us ask thousands. */
const mostServers = 13

/**
 * Asks for the TXT records of a name past every cache: each authoritative server of the nearest zone above it, one by one, through `dnsAt`.
 * A zone without NS in sight (a split horizon, a test) is answered for by `dns` itself, whose answer must be fresh. Never throws for what
 * DNS says.
 */
export async function askFirstHand(dns: Dns, dnsAt: (address: string) => Dns, name: Domain): Promise<FirstHand> {
  const zone = await nearestZone(dns, name)
  if ('trouble' in zone) return { kind: 'trouble', because: zone.trouble }
  if (zone.servers.length === 0) return { kind: 'answers', zone: null, said: [await ask(dns, name, 'the resolver')] }
  const said = await Promise.all(zone.servers.map((server) => askServer(dns, dnsAt, name, server)))
  return { kind: 'answers', zone: zone.name, said }
}

type Zone = { readonly name: string; readonly servers: readonly string[] } | { readonly trouble: string }

/** The nearest name at or above the record that has NS records; no servers when there is none. */
async function nearestZone(dns: Dns, record: Domain): Promise<Zone> {
  for (let name: Domain | null = record; name !== null; name = parentOf(name)) {
    const servers = await dns.ns(name)
    if (isDnsTrouble(servers)) return { trouble: `the name servers of ${name} cannot be found out: ${servers.trouble}` }
    if (servers.length > 0) return { name, servers: servers.slice(0, mostServers) }
  }
  return { name: record, servers: [] }
}

async function askServer(dns: Dns, dnsAt: (address: string) => Dns, name: Domain, server: string): Promise<Said> {
  const who = `the name server ${server}`
  const addresses = await dns.addresses(server)
  if (isDnsTrouble(addresses)) return silent(who, `the address of ${who} cannot be found out: ${addresses.trouble}`)
  if (addresses.length === 0) return silent(who, `${who} has no address`)
  let last = silent(who, `${who} does not answer`)
  for (const address of addresses) {
    last = await ask(dnsAt(address), name, who)
    if (last.texts !== null) return last
  }
  return last
}

async function ask(dns: Dns, name: Domain, who: string): Promise<Said> {
  const texts = await dns.txt(name)
  if (isDnsTrouble(texts)) return silent(who, `${who} does not answer for ${name}: ${texts.trouble}`)
  return { who, texts, because: `${who} answers` }
}

function silent(who: string, because: string): Said {
  return { who, texts: null, because }
}
