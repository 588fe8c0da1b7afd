import type { CaseToVerify, Verifier, VerifierAnswer } from '../doors/cli/verification.ts'
import {
  type Authentication,
  type Peer,
  type SpfVerdict,
  authenticate,
  authenticatePeer,
  withLineEnds,
} from '../path/evidence/authentication/index.ts'
import type { Resolver } from '../platform/dns.ts'
import { readZone, zoneResolver } from '../platform/dns-zone.ts'
import { isSyntaxFault } from '../standards/fault.ts'
import { parseIp } from '../standards/names/ip.ts'

/** What `verify` does. `live` gives the real DNS to whoever brings no zone. */
export function openVerifier(live: () => Promise<Resolver>): Verifier {
  return {
    verify: async (one) => {
      const peer = readPeer(one)
      if (peer !== null && 'error' in peer) return peer
      const resolver = await resolverFor(one.zone, live)
      if ('error' in resolver) return resolver
      const now = one.now === null ? Date.now() : one.now * 1000
      const world = { resolver, clock: { now: () => now, steady: () => performance.now() }, receiver: null }
      if (one.message === null) return { spf: spfOf(await authenticatePeer(peer, world)) }
      return asVerification(await authenticate(withLineEnds(one.message), peer, world))
    },
  }
}

async function resolverFor(
  zone: unknown,
  live: () => Promise<Resolver>,
): Promise<Resolver | { readonly error: string }> {
  if (zone === null) return live()
  const read = readZone(zone)
  return isSyntaxFault(read) ? { error: read.reason } : zoneResolver(read)
}

function readPeer(one: CaseToVerify): Peer | { readonly error: string } | null {
  if (one.ip === null) return null
  const ip = parseIp(one.ip.trim())
  if (isSyntaxFault(ip)) return { error: `ip is ${ip.reason}` }
  return { ip, helo: one.helo.trim(), mailFrom: reversePath(one.mailFrom) }
}

/** What people and logs write for a reverse-path: angle brackets or none, and blanks where they do not count. */
function reversePath(text: string): string {
  const trimmed = text.trim()
  const bare = trimmed.startsWith('<') && trimmed.endsWith('>') ? trimmed.slice(1, -1).trim() : trimmed
  const at = bare.lastIndexOf('@')
  return at === -1 ? bare : `${bare.slice(0, at).trimEnd()}@${bare.slice(at + 1).trimStart()}`
}

function asVerification({ spf, dkim, arc, dmarc }: Authentication): VerifierAnswer {
  const { outcome } = dmarc
  return {
    spf: spfOf(spf),
    dkim: dkim.map(({ domain, selector, result, reason }) => ({ domain, selector, result, reason })),
    arc: { result: arc.result, reason: arc.reason },
    dmarc: {
      result: dmarc.result,
      domain: outcome?.policyDomain ?? outcome?.authorDomain ?? null,
      policy: outcome?.policy ?? null,
      problem: dmarc.problem,
    },
  }
}

function spfOf({ result, domain, scope, problem }: SpfVerdict) {
  return { result, domain, scope, problem }
}
