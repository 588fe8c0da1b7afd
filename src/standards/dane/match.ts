import { X509Certificate, createPublicKey, hash } from 'node:crypto'
import { isSyntaxFault } from '../fault.ts'
import { readExtensions } from '../x509/extensions.ts'
import { publicKeyInfo } from '../x509/public-key.ts'
import type { DaneRecord } from './usable.ts'

/** Whether a server's certificates are what DNS says, and if not, why. */
export type DaneVerdict =
  | { readonly kind: 'match'; readonly record: DaneRecord }
  | {
      readonly kind: 'mismatch'
      /** `name` and `expired`: an authority of the records stands above a certificate for somebody else, or out of its time. */
      readonly fault: 'none' | 'name' | 'expired'
      readonly because: string
    }

export type DaneQuestion = {
  /** What `usableRecords` left. */
  readonly records: readonly DaneRecord[]
  /** DER, the server's own certificate first, as it presented them. */
  readonly chain: readonly Buffer[]
  /** Of which the certificate must bear one where an authority vouches for it (RFC 7672 §3.2.2). */
  readonly names: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

const maxChain = 10
const maxSignatures = 24

/** Holds the certificates of a server against its TLSA records (RFC 7672 §3): one record that matches is enough. */
export function matchDane(question: DaneQuestion): DaneVerdict {
  const chain = question.chain.slice(0, maxChain)
  const [leaf, ...above] = chain
  if (leaf === undefined) return mismatch('none', 'the server presented no certificate')
  // RFC 7672 §3.1.1: with usage 3 neither names nor dates count.
  const own = question.records.find((one) => one.usage === 'end-entity' && agrees(one, leaf))
  if (own !== undefined) return { kind: 'match', record: own }
  const authorities = question.records.filter((one) => one.usage === 'authority')
  if (authorities.length === 0)
    return mismatch('none', 'the certificate of the server is none that its TLSA records name')
  return matchAuthority(question, authorities, leaf, above)
}

type Search = {
  readonly authorities: readonly DaneRecord[]
  readonly presented: readonly X509Certificate[]
  readonly now: number
  signatures: number
  fault: 'none' | 'expired'
}

function matchAuthority(
  { names, now }: DaneQuestion,
  authorities: readonly DaneRecord[],
  leaf: Buffer,
  above: readonly Buffer[],
): DaneVerdict {
  const server = parsed(leaf)
  if (server === null) return mismatch('none', 'the certificate of the server cannot be read')
  // A whole certificate in DNS need not be presented (RFC 7671 §5.2.2).
  const known = authorities
    .filter((one) => one.selector === 'certificate' && one.matching === 'whole')
    .map((one) => Buffer.from(one.data, 'hex'))
  const presented = [...above, ...known].flatMap((der) => parsed(der) ?? [])
  const search: Search = { authorities, presented, now, signatures: maxSignatures, fault: 'none' }
  const record = inTime(server, search) ? anchorAbove(search, server, 0) : null
  if (record === null) {
    return search.fault === 'expired'
      ? mismatch('expired', 'a certificate below the authority that the TLSA records name is out of its time')
      : mismatch('none', 'no authority that the TLSA records name stands above the certificate of the server')
  }
  if (names.some((name) => bears(server, name))) return { kind: 'match', record }
  return mismatch('name', `the certificate names ${namesOf(leaf)}, not ${names.join(' or ')}`)
}

/** The record of an authority above the certificate, each step proved by a signature, or null. */
function anchorAbove(search: Search, subject: X509Certificate, depth: number): DaneRecord | null {
  if (depth > maxChain) return null
  const bare = search.authorities.find((one) => isSignedByKey(search, subject, one))
  if (bare !== undefined) return bare
  for (const issuer of search.presented) {
    if (issuer === subject || !mayIssue(issuer, depth) || !isSignedBy(search, subject, issuer)) continue
    if (!inTime(issuer, search)) continue
    const record = search.authorities.find((one) => agrees(one, issuer.raw))
    if (record !== undefined) return record
    const higher = issuer.subject === issuer.issuer ? null : anchorAbove(search, issuer, depth + 1)
    if (higher !== null) return higher
  }
  return null
}

/** RFC 7671 §5.2.3: a bare public key in DNS is an authority without a certificate. */
function isSignedByKey(search: Search, subject: X509Certificate, record: DaneRecord): boolean {
  if (record.selector !== 'public-key' || record.matching !== 'whole' || search.signatures === 0) return false
  search.signatures--
  try {
    return subject.verify(createPublicKey({ key: Buffer.from(record.data, 'hex'), format: 'der', type: 'spki' }))
  } catch {
    return false
  }
}

function isSignedBy(search: Search, subject: X509Certificate, issuer: X509Certificate): boolean {
  if (subject.issuer !== issuer.subject || search.signatures === 0) return false
  search.signatures--
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
  } catch {
    return false
  }
}

/** RFC 5280 §4.2.1.9 and §4.2.1.3, with `depth` certificates of authorities below it. */
function mayIssue(issuer: X509Certificate, depth: number): boolean {
  const extensions = readExtensions(issuer.raw)
  if (isSyntaxFault(extensions) || extensions.unknownCritical) return false
  const { basicConstraints, keyUsage } = extensions
  const longEnough = (basicConstraints?.pathLength ?? depth) >= depth
  return basicConstraints?.ca === true && longEnough && keyUsage?.keyCertSign !== false
}

function inTime(certificate: X509Certificate, search: Search): boolean {
  const valid = search.now >= certificate.validFromDate.getTime() && search.now <= certificate.validToDate.getTime()
  if (!valid) search.fault = 'expired'
  return valid
}

function agrees(record: DaneRecord, der: Buffer): boolean {
  const octets = record.selector === 'certificate' ? der : publicKeyInfo(der)
  if (isSyntaxFault(octets)) return false
  const found = record.matching === 'whole' ? octets.toString('hex') : hash(record.matching, octets, 'hex')
  return found === record.data
}

function bears(certificate: X509Certificate, name: string): boolean {
  return (
    certificate.checkHost(name, { wildcards: true, partialWildcards: false, multiLabelWildcards: false }) !== undefined
  )
}

/** The DNS names in a DER certificate, in words and bounded. */
export function namesOf(der: Buffer): string {
  const extensions = readExtensions(der)
  const names = isSyntaxFault(extensions) ? [] : extensions.dnsNames.filter((name) => /^[\x21-\x7e]+$/.test(name))
  if (names.length === 0) return 'nobody'
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

function parsed(der: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(der)
  } catch {
    return null
  }
}

function mismatch(fault: 'none' | 'name' | 'expired', because: string): DaneVerdict {
  return { kind: 'mismatch', fault, because }
}
