import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, isAtOrBelow, parseDomain } from '../names/domain.ts'
import { type SignatureAlgorithm, isSignatureAlgorithm } from './algorithm.ts'
import { parseTagBase64, parseTagList, withoutFws } from './tag-list.ts'

export type Canonicalisation = 'simple' | 'relaxed'

/** What a DKIM-Signature field says (RFC 6376 §3.5). */
export type SignatureTags = {
  readonly algorithm: SignatureAlgorithm
  /** `d=`, the SDID. */
  readonly domain: Domain
  /** `s=`, as it stands. */
  readonly selector: string
  readonly headerCanonicalisation: Canonicalisation
  readonly bodyCanonicalisation: Canonicalisation
  /** `h=` in lower case, in its order. */
  readonly signedFields: readonly string[]
  readonly bodyHash: Buffer
  /** `b=`; empty in a signing input. */
  readonly signature: Buffer
  /** `l=` in octets; null when absent, which is the only safe case. */
  readonly bodyLength: number | null
  /** `t=` in seconds since the epoch. */
  readonly signedAt: number | null
  /** `x=` in seconds since the epoch. */
  readonly expiresAt: number | null
}

const fieldName = /^[\x21-\x39\x3c-\x7e]+$/
const selectorText =
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*$/

/** Reads the value of a DKIM-Signature field. Unknown tags are ignored (RFC 6376 §3.2). */
export function parseSignatureTags(value: string): SignatureTags | SyntaxFault {
  const tags = parseTagList(value)
  if (isSyntaxFault(tags)) return tags
  if (tags.get('v') !== '1') return syntaxFault('v= is not 1')
  const algorithm = tags.get('a') ?? ''
  if (!isSignatureAlgorithm(algorithm)) return syntaxFault('a= is no algorithm that counts')
  const domain = parseDomain(tags.get('d') ?? '')
  if (isSyntaxFault(domain)) return syntaxFault('d= is not a domain')
  const selector = tags.get('s') ?? ''
  if (!isSelector(selector)) return syntaxFault('s= is not a selector')
  const canonicalisation = parseCanonicalisation(tags.get('c') ?? 'simple/simple')
  if (isSyntaxFault(canonicalisation)) return canonicalisation
  const signedFields = parseFieldNames(tags.get('h') ?? '')
  if (isSyntaxFault(signedFields)) return signedFields
  const bodyHash = parseTagBase64(tags.get('bh') ?? '')
  if (isSyntaxFault(bodyHash) || bodyHash.length !== 32) return syntaxFault('bh= is not a SHA-256 hash')
  const signature = tags.has('b') ? parseTagBase64(tags.get('b') ?? '') : syntaxFault('b= is absent')
  if (isSyntaxFault(signature)) return signature
  const numbers = parseNumbers(tags)
  if (isSyntaxFault(numbers)) return numbers
  const identity = identityFault(tags.get('i'), domain)
  if (identity !== null) return identity
  const query = tags.get('q')
  if (query !== undefined && !query.split(':').some((method) => withoutFws(method) === 'dns/txt')) {
    return syntaxFault('q= has no method that counts')
  }
  return { algorithm, domain, selector, ...canonicalisation, signedFields, bodyHash, signature, ...numbers }
}

/** Whether this may stand as `s=`: dotted labels, 253 octets at most. */
function isSelector(text: string): boolean {
  return text.length <= 253 && selectorText.test(text)
}

function parseCanonicalisation(
  text: string,
): Pick<SignatureTags, 'headerCanonicalisation' | 'bodyCanonicalisation'> | SyntaxFault {
  const [header, body = 'simple', ...rest] = text.split('/')
  if (!isCanonicalisation(header) || !isCanonicalisation(body) || rest.length > 0) {
    return syntaxFault('c= is no canonicalisation that counts')
  }
  return { headerCanonicalisation: header, bodyCanonicalisation: body }
}

function isCanonicalisation(text: string | undefined): text is Canonicalisation {
  return text === 'simple' || text === 'relaxed'
}

function parseFieldNames(text: string): readonly string[] | SyntaxFault {
  const names = text.split(':').map((name) => withoutFws(name).toLowerCase())
  if (!names.every((name) => fieldName.test(name))) return syntaxFault('h= has a malformed field name')
  return names.includes('from') ? names : syntaxFault('h= does not name From')
}

function parseNumbers(
  tags: ReadonlyMap<string, string>,
): Pick<SignatureTags, 'bodyLength' | 'signedAt' | 'expiresAt'> | SyntaxFault {
  const bodyLength = parseNumber(tags.get('l'))
  const signedAt = parseNumber(tags.get('t'))
  const expiresAt = parseNumber(tags.get('x'))
  if (isSyntaxFault(bodyLength) || isSyntaxFault(signedAt) || isSyntaxFault(expiresAt)) {
    return syntaxFault('l=, t= or x= is not a number')
  }
  if (signedAt !== null && expiresAt !== null && expiresAt <= signedAt) return syntaxFault('x= is not later than t=')
  return { bodyLength, signedAt, expiresAt }
}

function parseNumber(text: string | undefined): number | null | SyntaxFault {
  if (text === undefined) return null
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : syntaxFault('not a number')
}

/** RFC 6376 §3.5: the domain of `i=` is `d=` or lies below it. */
function identityFault(identity: string | undefined, domain: Domain): SyntaxFault | null {
  if (identity === undefined) return null
  const name = parseDomain(identity.slice(identity.lastIndexOf('@') + 1))
  if (isSyntaxFault(name) || !isAtOrBelow(name, domain)) return syntaxFault('i= is not at or below d=')
  return null
}
