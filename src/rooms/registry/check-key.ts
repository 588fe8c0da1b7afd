import { type Dns, isDnsTrouble } from '../../platform/dns.ts'
import { parseKeyRecord } from '../../standards/dkim/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { type Domain, parentOf } from '../../standards/names/domain.ts'
import type { KeyListing } from './key-book.ts'

/** Whether the world can see a key's record, and why we think so, in words. */
export type KeyCheck = { readonly seen: boolean; readonly because: string }

/** What is asked of one place. */
type Answer = { readonly kind: 'shows' | 'hides' | 'silent'; readonly because: string }

/** More name servers than any zone has; a hostile zone must not make us ask thousands. */
const mostServers = 13

/**
 * Looks for the record of a key past every cache. The authoritative servers of the nearest zone above the record are asked one by one
 * through `dnsAt`, and all of them must show it; a zone without NS in sight (a split horizon, a test) is judged by what `dns` itself
 * answers, which must be fresh. Never throws for what DNS says.
 */
export async function checkKey(
  dns: Dns,
  dnsAt: (address: string) => Dns,
  key: Pick<KeyListing, 'domain' | 'record' | 'publicKey' | 'algorithm'>,
): Promise<KeyCheck> {
  const zone = await nearestZone(dns, key.record.name as Domain)
  if ('trouble' in zone) return { seen: false, because: zone.trouble }
  if (zone.servers.length === 0) {
    const answer = await ask(dns, key, 'the resolver')
    return { seen: answer.kind === 'shows', because: answer.because }
  }
  const answers = await Promise.all(zone.servers.map((server) => askServer(dns, dnsAt, key, server)))
  const bad = answers.find((answer) => answer.kind !== 'shows')
  if (bad !== undefined) return { seen: false, because: bad.because }
  return { seen: true, because: `all ${answers.length} name servers of ${zone.name} show it` }
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

async function askServer(
  dns: Dns,
  dnsAt: (address: string) => Dns,
  key: Parameters<typeof checkKey>[2],
  server: string,
): Promise<Answer> {
  const addresses = await dns.addresses(server)
  if (isDnsTrouble(addresses))
    return silent(`the address of the name server ${server} cannot be found out: ${addresses.trouble}`)
  if (addresses.length === 0) return silent(`the name server ${server} has no address`)
  let last = silent(`the name server ${server} does not answer`)
  for (const address of addresses) {
    last = await ask(dnsAt(address), key, `the name server ${server}`)
    if (last.kind !== 'silent') return last
  }
  return last
}

async function ask(dns: Dns, key: Parameters<typeof checkKey>[2], who: string): Promise<Answer> {
  const texts = await dns.txt(key.record.name)
  if (isDnsTrouble(texts)) return silent(`${who} does not answer for ${key.record.name}: ${texts.trouble}`)
  if (texts.length === 0) return hides(`${who} shows no TXT record at ${key.record.name}`)
  // RFC 6376 §3.6.2.2: with several records at one name the result is undefined, so a verifier may read the wrong one.
  if (texts.length > 1)
    return hides(`${who} shows ${texts.length} TXT records at ${key.record.name}: only one may be there`)
  const record = parseKeyRecord(texts[0] ?? '')
  if (isSyntaxFault(record))
    return hides(`${who} shows a TXT record at ${key.record.name} that is no key record: ${record.reason}`)
  if (record.publicKey.length === 0)
    return hides(`${who} shows a record at ${key.record.name} that revokes the key (p= is empty)`)
  const wanted = key.algorithm === 'ed25519' ? 'ed25519' : 'rsa'
  if (record.keyType !== wanted || !record.publicKey.equals(Buffer.from(key.publicKey, 'base64'))) {
    return hides(`${who} shows another key at ${key.record.name}`)
  }
  return { kind: 'shows', because: `${who} shows it` }
}

function silent(because: string): Answer {
  return { kind: 'silent', because }
}

function hides(because: string): Answer {
  return { kind: 'hides', because }
}
