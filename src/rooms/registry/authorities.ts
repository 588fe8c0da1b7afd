import { type Dns, type DnsTrouble, isDnsTrouble } from '../../platform/dns.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { type Domain, parentOf, parseDomain } from '../../standards/names/domain.ts'

/** What one place answered when asked for TXT records. `texts` is null when it answered nothing that counts; `because` then says why. */
export type Said = { readonly who: string; readonly texts: readonly string[] | null; readonly because: string }

/** What those answered who know a name at first hand; `zone` is null where the resolver had to answer for them. */
export type FirstHand =
  | {
      readonly kind: 'answers'
      readonly zone: string | null
      /** The name that it is an alias of, when it is one. */
      readonly through: string | null
      readonly said: readonly Said[]
    }
  | { readonly kind: 'trouble'; readonly because: string }

/** One name server. Where it cannot be asked for aliases none is followed. */
export type ServerDns = Dns & { readonly cname?: (name: string) => Promise<readonly string[] | DnsTrouble> }
export type DnsAt = (address: string) => ServerDns

/** More name servers than any zone has; a hostile zone must not make us ask thousands. */
const mostServers = 13
/** More aliases in a row than any record needs; a hostile zone must not send us round and round. */
const mostAliases = 4

/**
 * Asks for the TXT records of a name past every cache: each authoritative server of the nearest zone above it, one by one, through `dnsAt`.
 * A zone without NS in sight (a split horizon, a test) is answered for by `dns` itself, whose answer must be fresh. What the servers say
 * is an alias is asked of those who know its target. Never throws for what DNS says.
 */
export function askFirstHand(dns: Dns, dnsAt: DnsAt, name: Domain): Promise<FirstHand> {
  return askThrough(dns, dnsAt, name, mostAliases)
}

async function askThrough(dns: Dns, dnsAt: DnsAt, name: Domain, aliasesLeft: number): Promise<FirstHand> {
  const zone = await nearestZone(dns, name)
  if ('trouble' in zone) return { kind: 'trouble', because: zone.trouble }
  if (zone.servers.length === 0) {
    return { kind: 'answers', zone: null, through: null, said: [await ask(dns, name, 'the resolver')] }
  }
  const answers = await Promise.all(zone.servers.map((server) => askServer(dns, dnsAt, name, server)))
  const targets = [...new Set(answers.flatMap(({ alias }) => (alias === null ? [] : [alias])))]
  const [through = null, another] = targets
  if (through === null) return { kind: 'answers', zone: zone.name, through, said: answers }
  const plain = answers.filter(({ alias }) => alias === null)
  const behind =
    another === undefined
      ? await askTarget(dns, dnsAt, through, aliasesLeft)
      : [silent(`the name servers of ${zone.name}`, `the name servers of ${zone.name} lead to different names`)]
  return { kind: 'answers', zone: zone.name, through, said: [...plain, ...behind] }
}

async function askTarget(dns: Dns, dnsAt: DnsAt, target: string, aliasesLeft: number): Promise<readonly Said[]> {
  const who = `the name server of ${target}`
  const name = parseDomain(target)
  if (isSyntaxFault(name) || aliasesLeft === 0) return [silent(who, `the alias ${target} leads nowhere`)]
  const asked = await askThrough(dns, dnsAt, name, aliasesLeft - 1)
  return asked.kind === 'trouble' ? [silent(who, asked.because)] : asked.said
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

type ServerSaid = Said & { readonly alias: string | null }

async function askServer(dns: Dns, dnsAt: DnsAt, name: Domain, server: string): Promise<ServerSaid> {
  const who = `the name server ${server}`
  const addresses = await dns.addresses(server)
  if (isDnsTrouble(addresses)) {
    return { ...silent(who, `the address of ${who} cannot be found out: ${addresses.trouble}`), alias: null }
  }
  if (addresses.length === 0) return { ...silent(who, `${who} has no address`), alias: null }
  let last = silent(who, `${who} does not answer`)
  for (const address of addresses) {
    const at = dnsAt(address)
    last = await ask(at, name, who)
    if (last.texts !== null) return { ...last, alias: last.texts.length === 0 ? await aliasAt(at, name) : null }
  }
  return { ...last, alias: null }
}

async function aliasAt(at: ServerDns, name: Domain): Promise<string | null> {
  const found = (await at.cname?.(name)) ?? []
  return isDnsTrouble(found) ? null : (found[0] ?? null)
}

async function ask(dns: Dns, name: Domain, who: string): Promise<Said> {
  const texts = await dns.txt(name)
  if (isDnsTrouble(texts)) return silent(who, `${who} does not answer for ${name}: ${texts.trouble}`)
  return { who, texts, because: `${who} answers` }
}

function silent(who: string, because: string): Said {
  return { who, texts: null, because }
}
