import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import { parseDomain } from '../names/domain.ts'
import type { SignatureClaims } from './signature-result.ts'
import {
  type MessageSignatureTags,
  isSelector,
  parseCanonicalisation,
  parseNumber,
  splitFieldNames,
} from './signature-tags.ts'
import type { TagList } from './tag-list.ts'

/** Claims of a field that is no tag list. */
export const noClaims: SignatureClaims = {
  domain: null,
  selector: null,
  identity: null,
  algorithm: null,
  headerCanonicalisation: null,
  bodyCanonicalisation: null,
  signedFields: [],
  signedAt: null,
  expiresAt: null,
  bodyLength: null,
}

/** What a signature without a fault says; `identity` is null where its kind has none. */
export function claimsOf(tags: MessageSignatureTags, identity: string | null): SignatureClaims {
  const { domain, selector, algorithm, signedFields, signedAt, expiresAt, bodyLength } = tags
  const { headerCanonicalisation, bodyCanonicalisation } = tags
  return {
    domain,
    selector,
    identity,
    algorithm,
    headerCanonicalisation,
    bodyCanonicalisation,
    signedFields,
    signedAt,
    expiresAt,
    bodyLength,
  }
}

/** As much as can be read of a signature that has a fault somewhere, so that a report can name it. */
export function readableClaims(tags: TagList): SignatureClaims {
  const selector = tags.get('s') ?? ''
  return {
    ...noClaims,
    domain: orNull(parseDomain(tags.get('d') ?? '')),
    selector: isSelector(selector) ? selector : null,
    algorithm: tags.get('a')?.toLowerCase() ?? null,
    ...orNull(parseCanonicalisation(tags.get('c') ?? 'simple/simple')),
    signedFields: splitFieldNames(tags.get('h') ?? ''),
    signedAt: orNull(parseNumber(tags.get('t'))),
    expiresAt: orNull(parseNumber(tags.get('x'))),
    bodyLength: orNull(parseNumber(tags.get('l'))),
  }
}

function orNull<T>(read: T | SyntaxFault): T | null {
  return isSyntaxFault(read) ? null : read
}
