import { type Resolver, settle } from '../../../platform/dns.ts'
import type { IpAddress } from '../../../standards/names/ip.ts'
import { type SpfOutcome, checkHost, spfIdentity } from '../../../standards/spf/index.ts'

/** Who handed a message over, as far as SPF asks. */
export type Peer = {
  readonly ip: IpAddress
  readonly helo: string
  /** What stood between the angle brackets of MAIL FROM, empty for a null reverse-path. */
  readonly mailFrom: string
}

export type SpfVerdict = SpfOutcome & {
  readonly scope: 'mfrom' | 'helo'
  /** The domain that was checked, lower case; null when there was none to ask. */
  readonly domain: string | null
}

/**
 * SPF of one peer (RFC 7208): the reverse-path's domain, or with a null reverse-path that of the greeting.
 * `receiver` is our own name, for explanations; without one none is asked for.
 */
export async function verifySpf(
  peer: Peer,
  resolver: Resolver,
  now: number,
  receiver: string | null,
): Promise<SpfVerdict> {
  const { scope, localPart, domain } = spfIdentity(peer.mailFrom, peer.helo)
  if (domain === null) return { result: 'none', problem: null, explanation: null, scope, domain }
  const host = { ip: peer.ip, domain, localPart, helo: peer.helo, receiver: receiver ?? 'unknown', now }
  return { ...(await settle(checkHost({ ...host, explain: receiver !== null }), resolver)), scope, domain }
}
