import { type Dns, isDnsTrouble } from '../../../platform/dns.ts'
import { askHttps } from '../../../platform/https.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type MtaStsPolicy, maxPolicyOctets, parseMtaStsPolicy } from '../../../standards/mta-sts/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import { isPublicAddress } from '../../../standards/names/public-address.ts'
import { type Failure, notProven } from './failure.ts'

export type MtaStsFetched = { readonly text: string; readonly policy: MtaStsPolicy } | { readonly failure: Failure }

export type HttpsReach = {
  readonly dns: Dns
  /** 443, but where a network of one's own has its servers elsewhere. */
  readonly port: number
  /**
   * PEM certificates to trust instead of those of the system. With authorities of one's own, servers on private addresses are asked
   * too; without, a stranger's DNS leads nowhere but to the public Internet.
   */
  readonly roots: readonly string[] | null
}

/** RFC 8461 §3.3. */
const timeoutMs = 60_000

/** Fetches the policy file of a domain (RFC 8461 §3.3): over HTTPS with the certificate verified, and no redirect followed. Never rejects. */
export async function fetchMtaSts(domain: Domain, reach: HttpsReach): Promise<MtaStsFetched> {
  const host = `mta-sts.${domain}`
  const addresses = await addressesFor(host, reach)
  const answer = await askHttps({
    method: 'GET',
    host,
    port: reach.port,
    path: '/.well-known/mta-sts.txt',
    addresses,
    roots: reach.roots,
    timeoutMs,
    maxOctets: maxPolicyOctets,
  })
  if ('trouble' in answer) {
    return failed(answer.certificate ? 'sts-webpki-invalid' : 'sts-policy-fetch-error', domain, answer.trouble)
  }
  if (answer.status !== 200) return failed('sts-policy-fetch-error', domain, `${host} answered ${answer.status}`)
  if (!/^text\/plain[ \t]*(?:;|$)/i.test(answer.contentType)) {
    return failed('sts-policy-fetch-error', domain, `${host} answered something that is not text/plain`)
  }
  const text = answer.body.toString('utf8')
  const policy = parseMtaStsPolicy(text)
  return isSyntaxFault(policy) ? failed('sts-policy-invalid', domain, policy.reason) : { text, policy }
}

/** The addresses of a host that may be asked over HTTPS; empty when there is none. */
export async function addressesFor(host: string, { dns, roots }: HttpsReach): Promise<readonly string[]> {
  const found = await Promise.all([dns.addresses(host, 4), dns.addresses(host, 6)])
  return found
    .flatMap((answer) => (isDnsTrouble(answer) ? [] : answer))
    .filter((address) => {
      const ip = parseIp(address)
      return !isSyntaxFault(ip) && (roots !== null || isPublicAddress(ip))
    })
}

function failed(type: Failure['type'], domain: Domain, why: string): MtaStsFetched {
  const because = `the MTA-STS policy of ${domain} could not be had: ${why}`
  return { failure: { type, because, status: notProven } }
}
