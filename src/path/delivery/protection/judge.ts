import { isSyntaxFault } from '../../../standards/fault.ts'
import { matchDane, namesOf } from '../../../standards/dane/index.ts'
import { readExtensions } from '../../../standards/x509/extensions.ts'
import { type Failure, notProven, notSupported } from './failure.ts'
import type { Wanted } from './wanted.ts'

/** What a TLS handshake showed. */
export type Handshake = {
  /** Whether an authority that we believe vouches for a certificate that names the host; `trouble` is the library's code if not. */
  readonly verified: boolean
  readonly trouble: string | null
  /** DER, the server's own certificate first. */
  readonly chain: () => readonly Buffer[]
}

/** Whether a connection is what was wanted. `mayGo`: mail may go over it; a failure then is only told. */
export type Verdict = {
  readonly mayGo: boolean
  /** Whether the server proved to be the one that was meant. */
  readonly authenticated: boolean
  readonly failure: Failure | null
}

/** Holds what a handshake with `host` showed against what was wanted. null: no encryption came about, for the reason given. */
export function judgeConnection(
  wanted: Exclude<Wanted, { kind: 'barred' }>,
  host: string,
  seen: Handshake | { readonly none: Failure },
  now: number,
): Verdict {
  if ('none' in seen) return { mayGo: mayGoInClear(wanted), authenticated: false, failure: inClear(wanted, seen.none) }
  switch (wanted.kind) {
    case 'clear':
    case 'encrypted':
      return { mayGo: true, authenticated: false, failure: null }
    case 'opportunistic':
      return { mayGo: true, authenticated: seen.verified, failure: wanted.amiss }
    case 'certificate':
    case 'mta-sts':
      return byCertificate(wanted, host, seen)
    case 'dane': {
      const { records, names } = wanted
      const found = matchDane({ records, chain: seen.chain(), names, now })
      if (found.kind === 'match') return { mayGo: true, authenticated: true, failure: null }
      const type = {
        none: 'validation-failure',
        name: 'certificate-host-mismatch',
        expired: 'certificate-expired',
      } as const
      const because = `the TLSA records of ${host} (DANE) are not met: ${found.because}`
      return { mayGo: false, authenticated: false, failure: { type: type[found.fault], because, status: notProven } }
    }
    default:
      return wanted satisfies never
  }
}

/** Whether mail may go to a server with which no encryption comes about. */
export function mayGoInClear(wanted: Wanted): boolean {
  switch (wanted.kind) {
    case 'clear':
    case 'opportunistic':
      return true
    case 'mta-sts':
      return wanted.policy.mode === 'testing'
    case 'certificate':
    case 'dane':
    case 'encrypted':
    case 'barred':
      return false
    default:
      return wanted satisfies never
  }
}

export function noEncryptionOffered(): Failure {
  return { type: 'starttls-not-supported', because: 'the server offers no encryption', status: notSupported }
}

function inClear(wanted: Wanted, none: Failure): Failure | null {
  if (wanted.kind === 'clear') return null
  const wish = wishOf(wanted)
  return wish === null ? (none ?? null) : { ...none, because: `${none.because}, which ${wish} requires` }
}

/** Whose wish it is, in words. */
function wishOf(wanted: Wanted): string | null {
  switch (wanted.kind) {
    case 'certificate':
      return 'the route'
    case 'mta-sts':
      return `the MTA-STS policy of ${wanted.domain}`
    case 'dane':
    case 'encrypted':
      return 'a TLSA record (DANE)'
    default:
      return null
  }
}

function byCertificate(
  wanted: Extract<Wanted, { kind: 'certificate' | 'mta-sts' }>,
  host: string,
  seen: Handshake,
): Verdict {
  const tested = wanted.kind === 'mta-sts' && wanted.policy.mode === 'testing'
  const failure = unlisted(wanted, host) ?? certificateFailure(wanted, host, seen)
  return { mayGo: failure === null || tested, authenticated: seen.verified && failure === null, failure }
}

function unlisted(wanted: Extract<Wanted, { kind: 'certificate' | 'mta-sts' }>, host: string): Failure | null {
  return wanted.kind === 'certificate' || wanted.listed ? null : notListed(wanted.domain ?? '', host)
}

export function notListed(domain: string, host: string): Failure {
  return {
    type: 'validation-failure',
    because: `the MTA-STS policy of ${domain} does not name the mail server ${host}`,
    status: notProven,
  }
}

function certificateFailure(
  wanted: Extract<Wanted, { kind: 'certificate' | 'mta-sts' }>,
  host: string,
  seen: Handshake,
): Failure | null {
  const [leaf] = seen.chain()
  // RFC 8461 §4.1: the name counts where it is among the subject alternative names.
  const named = leaf === undefined ? [] : dnsNamesOf(leaf)
  if (seen.verified && (wanted.kind === 'certificate' || named.length > 0)) return null
  const wants = `${wishOf(wanted)} wants a certificate for ${host}, but`
  const because = (words: string): string => `${wants} ${words}`
  const code = seen.trouble ?? ''
  if (seen.verified || code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const words = leaf === undefined ? 'there is none' : `the certificate names ${namesOf(leaf)}`
    return { type: 'certificate-host-mismatch', because: because(words), status: notProven }
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return { type: 'certificate-expired', because: because('the certificate has expired'), status: notProven }
  }
  const untrusted = because(`no authority that we believe vouches for it (${code})`)
  return { type: 'certificate-not-trusted', because: untrusted, status: notProven }
}

function dnsNamesOf(der: Buffer): readonly string[] {
  const extensions = readExtensions(der)
  return isSyntaxFault(extensions) ? [] : extensions.dnsNames
}
