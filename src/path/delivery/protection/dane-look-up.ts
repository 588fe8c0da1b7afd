import { type DnsAnswer, type DnsTrouble, type Resolver, isDnsTrouble } from '../../../platform/dns.ts'
import { type DaneRecord, usableRecords } from '../../../standards/dane/index.ts'
import type { TlsaRecord } from '../../../standards/dns/inquiry.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Target } from '../routing/targets.ts'
import { type Failure, notProven } from './failure.ts'

/** What DNSSEC proves of a mail server. `servers`: that the domain names it; `records`: what its certificate is. */
export type DaneFindings = {
  readonly securesServers: boolean
  readonly finding:
    | { readonly kind: 'nothing' }
    | { readonly kind: 'records'; readonly records: readonly DaneRecord[]; readonly names: readonly string[] }
    | { readonly kind: 'unusable' }
    | { readonly kind: 'bogus'; readonly failure: Failure }
}

const nothing = { kind: 'nothing' } as const

/**
 * Looks up the TLSA records of a mail server (RFC 7672 §2.2). They are asked for only where the answers for the mail servers of the
 * domain and for the address are authentic: whoever can forge those needs no certificate (§2.2.1), and servers that are not secured
 * may not know the question (§2.1.2).
 */
export async function lookUpDane(resolver: Resolver, domain: Domain, target: Target): Promise<DaneFindings> {
  const servers = await resolver.ask('MX', domain)
  if (isDnsTrouble(servers) || !servers.authentic) return { securesServers: false, finding: nothing }
  const type = target.address.includes(':') ? 'AAAA' : 'A'
  const address = await resolver.ask(type, target.name)
  if (isDnsTrouble(address) || !address.authentic) return { securesServers: true, finding: nothing }
  for (const base of basesOf(address, target.name)) {
    const answer = await resolver.ask('TLSA', `_${target.port}._tcp.${base}`)
    if (isDnsTrouble(answer)) return { securesServers: true, finding: bogus(answer, base) }
    if (!answer.authentic || answer.records.length === 0) continue
    return { securesServers: true, finding: readRecords(answer, [...new Set([base, target.name, domain])]) }
  }
  return { securesServers: true, finding: nothing }
}

/** RFC 7672 §2.2.2: of an alias, the name at its end first. */
function basesOf(address: DnsAnswer<'A' | 'AAAA'>, name: string): readonly string[] {
  return address.canonical === undefined ? [name] : [address.canonical, name]
}

function readRecords(answer: DnsAnswer<'TLSA'>, names: readonly string[]): DaneFindings['finding'] {
  const records = usableRecords(answer.records satisfies readonly TlsaRecord[])
  return records.length === 0 ? { kind: 'unusable' } : { kind: 'records', records, names }
}

/** RFC 7672 §2.1.2: without a proven answer the server is left alone; an attacker could as well have taken the records away. */
function bogus({ trouble }: DnsTrouble, base: string): DaneFindings['finding'] {
  const because = `the TLSA records of ${base} (DANE) cannot be had: DNS answered ${trouble}`
  return {
    kind: 'bogus',
    failure: { type: trouble === 'servfail' ? 'dnssec-invalid' : 'tlsa-invalid', because, status: notProven },
  }
}
