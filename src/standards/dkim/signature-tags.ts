import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { type SignatureAlgorithm, isSignatureAlgorithm } from './algorithm.ts'
import { parseIdentity } from './identity.ts'
import { type TagList, parseTagBase64, parseTagList, withoutFws } from './tag-list.ts'

export type Canonicalisation = 'simple' | 'relaxed'

/** What a signature field of any kind says of its key. */
export type KeyTags = {
  readonly algorithm: SignatureAlgorithm
  /** `d=`, the SDID. */
  readonly domain: Domain
  /** `s=`, as it stands. */
  readonly selector: string
  /** `b=`; empty in a signing input. */
  readonly signature: Buffer
  /** `t=` in seconds since the epoch. */
  readonly signedAt: number | null
}

/** What an ARC-Message-Signature says (RFC 8617 §4.1.2), its instance apart. */
export type MessageSignatureTags = KeyTags & {
  readonly headerCanonicalisation: Canonicalisation
  readonly bodyCanonicalisation: Canonicalisation
  /** `h=` in lower case, in its order. */
  readonly signedFields: readonly string[]
  readonly bodyHash: Buffer
  /** `l=` in octets; null when absent, which is the only safe case. */
  readonly bodyLength: number | null
  /** `x=` in seconds since the epoch. */
  readonly expiresAt: number | null
}

/** What a DKIM-Signature field says (RFC 6376 §3.5). */
export type SignatureTags = MessageSignatureTags & {
  /** `i=`, the AUID, decoded; null when absent, which stands for `@` and the SDID. */
  readonly identity: string | null
}

const fieldName = /^[\x21-\x39\x3c-\x7e]+$/
const selectorText =
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*$/

/** Reads the value of a DKIM-Signature field. Unknown tags are ignored (RFC 6376 §3.2). */
export function parseSignatureTags(value: string): SignatureTags | SyntaxFault {
  const tags = parseTagList(value)
  return isSyntaxFault(tags) ? tags : readSignatureTags(tags)
}

/**
 * Versions that are read alike. Signatures by the drafts before RFC 4871 have `v=0.5` or none, and `q=dns`; they cover the same octets in
 * the same way, and what is wrong with their age is wrong with their keys and algorithms, which are judged by themselves.
 */
const versions = [undefined, '0.5', '1']
const queries = ['dns', 'dns/txt']

/** Reads the tags of a DKIM-Signature field. */
export function readSignatureTags(tags: TagList): SignatureTags | SyntaxFault {
  if (!versions.includes(tags.get('v'))) return syntaxFault('v= is not 1')
  const message = readMessageSignatureTags(tags)
  if (isSyntaxFault(message)) return message
  const identity = tags.get('i')
  if (identity === undefined) return { ...message, identity: null }
  const read = parseIdentity(identity, message.domain)
  return isSyntaxFault(read) ? read : { ...message, identity: read }
}

/** Reads the tags that a DKIM-Signature and an ARC-Message-Signature have in common; `v=` and `i=` mean different things in them. */
export function readMessageSignatureTags(tags: TagList): MessageSignatureTags | SyntaxFault {
  const key = readKeyTags(tags)
  if (isSyntaxFault(key)) return key
  const canonicalisation = parseCanonicalisation(tags.get('c') ?? 'simple/simple')
  if (isSyntaxFault(canonicalisation)) return canonicalisation
  const signedFields = parseFieldNames(tags.get('h') ?? '')
  if (isSyntaxFault(signedFields)) return signedFields
  const bodyHash = parseTagBase64(tags.get('bh') ?? '')
  if (isSyntaxFault(bodyHash) || bodyHash.length !== 32) return syntaxFault('bh= is not a SHA-256 hash')
  const bodyLength = parseNumber(tags.get('l'))
  const expiresAt = parseNumber(tags.get('x'))
  if (isSyntaxFault(bodyLength) || isSyntaxFault(expiresAt)) return syntaxFault('l= or x= is not a number')
  if (key.signedAt !== null && expiresAt !== null && expiresAt <= key.signedAt)
    return syntaxFault('x= is not later than t=')
  const query = tags.get('q')
  if (query !== undefined && !query.split(':').some((method) => queries.includes(withoutFws(method).toLowerCase())))
    return syntaxFault('q= has no method that counts')
  return { ...key, ...canonicalisation, signedFields, bodyHash, bodyLength, expiresAt }
}

/** Reads `a=`, `d=`, `s=`, `b=` and `t=`. */
export function readKeyTags(tags: TagList): KeyTags | SyntaxFault {
  const algorithm = (tags.get('a') ?? '').toLowerCase()
  if (!isSignatureAlgorithm(algorithm)) return syntaxFault('a= is no algorithm that counts')
  const domain = parseDomain(tags.get('d') ?? '')
  if (isSyntaxFault(domain)) return syntaxFault('d= is not a domain')
  const selector = tags.get('s') ?? ''
  if (!isSelector(selector)) return syntaxFault('s= is not a selector')
  const signature = tags.has('b') ? parseTagBase64(tags.get('b') ?? '') : syntaxFault('b= is absent')
  if (isSyntaxFault(signature)) return signature
  const signedAt = parseNumber(tags.get('t'))
  return isSyntaxFault(signedAt)
    ? syntaxFault('t= is not a number')
    : { algorithm, domain, selector, signature, signedAt }
}

/** Whether this may stand as `s=`: dotted labels, 253 octets at most. */
export function isSelector(text: string): boolean {
  return text.length <= 253 && selectorText.test(text)
}

/** Reads `c=`; the body is simple when only the header is named (RFC 6376 §3.5). */
export function parseCanonicalisation(
  text: string,
): Pick<MessageSignatureTags, 'headerCanonicalisation' | 'bodyCanonicalisation'> | SyntaxFault {
  const [header, body = 'simple', ...rest] = text.toLowerCase().split('/')
  if (!isCanonicalisation(header) || !isCanonicalisation(body) || rest.length > 0) {
    return syntaxFault('c= is no canonicalisation that counts')
  }
  return { headerCanonicalisation: header, bodyCanonicalisation: body }
}

function isCanonicalisation(text: string | undefined): text is Canonicalisation {
  return text === 'simple' || text === 'relaxed'
}

function parseFieldNames(text: string): readonly string[] | SyntaxFault {
  const names = splitFieldNames(text)
  if (!names.every((name) => fieldName.test(name))) return syntaxFault('h= has a malformed field name')
  return names.includes('from') ? names : syntaxFault('h= does not name From')
}

/** The names in `h=`, in lower case. */
export function splitFieldNames(text: string): readonly string[] {
  return withoutFws(text).toLowerCase().split(':')
}

/** A decimal number of at most 15 digits, null for an absent tag. */
export function parseNumber(text: string | undefined): number | null | SyntaxFault {
  if (text === undefined) return null
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : syntaxFault('not a number')
}
