import { X509Certificate } from 'node:crypto'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type CertificateExtensions, readExtensions } from '../../../standards/x509/extensions.ts'
import type { Authorities } from './authorities.ts'

export type ChainVerdict =
  /** `name` is the wanted name that the certificate bears; the verdict holds until `until`, in milliseconds since the epoch. */
  | { readonly kind: 'pass'; readonly name: string; readonly until: number }
  | { readonly kind: 'fail'; readonly because: string }

type Parsed = { readonly certificate: X509Certificate; readonly extensions: CertificateExtensions }

const maxPresented = 10
const maxIssuers = 6
/** Signatures checked for one chain: a peer may present certificates that all seem to issue each other. */
const maxSignatures = 24

const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyUsage = '2.5.29.37.0'
const brokenSignatures = /md[245]|sha-?1(?![0-9])/i

/**
 * Verifies a client's certificate by RFC 5280 §6: names, dates, usage, and a path to an authority that we believe. Node's own answer is not
 * used: it calls a certificate with serverAuth alone unfit for a client and shows only that error, while public authorities no longer
 * issue clientAuth; and one reported error may hide another. So serverAuth counts, and every check is made here.
 * Revocation is not looked up: it would make a stranger's server part of each acceptance.
 */
export function verifyChain(
  chain: readonly Buffer[],
  wanted: { readonly names: readonly string[]; readonly authorities: Authorities },
  now: number,
): ChainVerdict {
  if (chain.length === 0) return fail('no client certificate was presented')
  if (chain.length > maxPresented) return fail('the client presented too many certificates')
  const parsed = chain.map(parse)
  const [leaf, ...presented] = parsed
  if (leaf === undefined || leaf === null) return fail('the client certificate cannot be read')
  const name = wanted.names.find((one) => bears(leaf.certificate, one))
  if (name === undefined) return fail('the client certificate bears none of the names that it should')
  const fault = certificateFault(leaf, now) ?? leafFault(leaf)
  if (fault !== null) return fail(`the client certificate ${fault}`)
  const search = {
    authorities: wanted.authorities,
    presented: presented.filter((one) => one !== null),
    now,
    left: maxSignatures,
  }
  const path = findPath(search, leaf, [])
  if (typeof path === 'string') return fail(path)
  const excluded = nameConstraintFault(leaf, name, path)
  if (excluded !== null) return fail(excluded)
  const until = Math.min(...[leaf, ...path].map(({ certificate }) => certificate.validToDate.getTime()))
  return { kind: 'pass', name, until }
}

type Search = {
  readonly authorities: Authorities
  readonly presented: readonly Parsed[]
  readonly now: number
  left: number
}

/** The issuers above `subject` up to an authority, or why there is no such path. */
function findPath(search: Search, subject: Parsed, below: readonly Parsed[]): readonly Parsed[] | string {
  let because = 'no authority that we believe issued the client certificate'
  if (below.length === maxIssuers) return 'the certificate path is too long'
  const { issuer } = subject.certificate
  const anchors = search.authorities.withSubject(issuer).map((certificate) => parse(certificate.raw))
  for (const anchor of anchors) {
    if (anchor === null) continue
    const fault = issuerFault(search, anchor, subject, below.length)
    if (fault === null) return [anchor]
    because = fault
  }
  for (const next of search.presented) {
    if (next.certificate.subject !== issuer || below.includes(next)) continue
    const fault = issuerFault(search, next, subject, below.length) ?? usageFault(next, 'the issuing certificate')
    if (fault !== null) {
      because = fault
      continue
    }
    const rest = findPath(search, next, [...below, next])
    if (typeof rest !== 'string') return [next, ...rest]
    because = rest
  }
  return because
}

/** Why `issuer` may not have issued `subject`, with `intermediates` certificates between it and the leaf. */
function issuerFault(search: Search, issuer: Parsed, subject: Parsed, intermediates: number): string | null {
  const fault = certificateFault(issuer, search.now)
  if (fault !== null) return `an issuing certificate ${fault}`
  const { basicConstraints, keyUsage } = issuer.extensions
  if (keyUsage !== null && !keyUsage.keyCertSign) return 'an issuing certificate may not sign certificates'
  if (basicConstraints?.ca !== true || !issuer.certificate.ca) {
    return 'an issuing certificate is not that of an authority'
  }
  if (basicConstraints.pathLength !== null && intermediates > basicConstraints.pathLength) {
    return 'an issuing certificate allows no path of this length'
  }
  if (brokenSignatures.test(subject.certificate.signatureAlgorithm ?? ''))
    return 'a certificate is signed with a broken algorithm'
  if (!subject.certificate.checkIssued(issuer.certificate))
    return 'an issuing certificate does not match what it should have issued'
  if (search.left === 0) return 'the client presented too many certificates that could issue each other'
  search.left--
  return signatureHolds(subject.certificate, issuer.certificate)
    ? null
    : 'a signature in the certificate path is not valid'
}

/** What is wrong with any certificate, whatever its place in the path. */
function certificateFault({ certificate, extensions }: Parsed, now: number): string | null {
  if (now < certificate.validFromDate.getTime()) return 'is not valid yet'
  if (now > certificate.validToDate.getTime()) return 'has expired'
  return extensions.unknownCritical ? 'has a critical extension that is not known' : null
}

function leafFault(leaf: Parsed): string | null {
  // RFC 5280 §4.2.1.3: in TLS the client signs with this key.
  if (leaf.extensions.keyUsage?.digitalSignature === false) return 'has a key that may not sign'
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.certificate.publicKey
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    return 'has a key that is too short'
  return usageFault(leaf, 'it')
}

/** RFC 5280 §4.2.1.12: absent is any; serverAuth counts as much as clientAuth. */
function usageFault({ certificate }: Parsed, what: string): string | null {
  // Node types this as always there; it is undefined where the certificate has no such extension.
  const usages = certificate.keyUsage as readonly string[] | undefined
  if (usages === undefined || usages.some((one) => [serverAuth, clientAuth, anyUsage].includes(one))) return null
  return `${what === 'it' ? 'is' : `${what} is`} not meant for TLS`
}

/** RFC 5280 §4.2.1.10, dNSName: the wanted name and every name in the leaf must be allowed by every issuer. */
function nameConstraintFault(leaf: Parsed, name: string, path: readonly Parsed[]): string | null {
  const names = [name, ...leaf.extensions.dnsNames]
  for (const { extensions } of path) {
    if (extensions.nameConstraints === null) continue
    const { permitted, excluded } = extensions.nameConstraints
    const outside = permitted.length > 0 && names.some((one) => !permitted.some((tree) => liesBelow(one, tree)))
    const inside = names.some((one) => excluded.some((tree) => liesBelow(one, tree)))
    if (outside || inside) return 'an issuing certificate does not extend to the names of the client certificate'
  }
  return null
}

function liesBelow(name: string, tree: string): boolean {
  const base = tree.replace(/^\./, '')
  return base === '' || name === base || name.endsWith(`.${base}`)
}

/** RFC 6125 §6.4: SAN or CN, without regard to case; a wildcard is the whole left-most label or nothing. */
function bears(certificate: X509Certificate, name: string): boolean {
  const rules = { subject: 'always', wildcards: true, partialWildcards: false, multiLabelWildcards: false } as const
  return certificate.checkHost(name, rules) !== undefined
}

function parse(der: Buffer): Parsed | null {
  try {
    const certificate = new X509Certificate(der)
    const extensions = readExtensions(certificate.raw)
    return isSyntaxFault(extensions) ? null : { certificate, extensions }
  } catch {
    return null
  }
}

function signatureHolds(subject: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return subject.verify(issuer.publicKey)
  } catch {
    return false
  }
}

function fail(because: string): ChainVerdict {
  return { kind: 'fail', because }
}
