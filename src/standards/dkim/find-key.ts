import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import type { SignatureAlgorithm } from './algorithm.ts'
import type { KeyAnswer, KeyNeed } from './key-answers.ts'
import { keyRecordName, keyTypeOf } from './key-record.ts'
import type { KeyTags } from './signature-tags.ts'
import { type VerificationKey, verificationKeyOf } from './verification-key.ts'

export type FoundKey =
  | { readonly kind: 'key'; readonly key: VerificationKey }
  | { readonly kind: 'temperror' | 'permerror'; readonly reason: string }

/** More TXT records than this at one name are not looked through. */
const mostRecords = 20

const otherVersion = /^[ \t]*v[ \t]*=[ \t]*(?!DKIM1[ \t]*(?:;|$))/

/** Where the key of a signature stands, or a fault when no name can be that long (RFC 1035 §2.3.4). */
export function keyNeedOf({ domain, selector }: Pick<KeyTags, 'domain' | 'selector'>): KeyNeed | SyntaxFault {
  const name = keyRecordName(selector, domain).toLowerCase()
  return name.length > 253 ? syntaxFault('the name of the key record is too long') : { name, domain, selector }
}

/**
 * Picks the key out of what the DNS answered. Records of another version are none of DKIM's (RFC 6376 §3.6.1). Of several key records that
 * one is taken which alone has a key of the type that `a=` needs (§6.1.2 step 3 leaves the choice); where two have, nothing is.
 */
export function findKey(answer: KeyAnswer | undefined, algorithm: SignatureAlgorithm): FoundKey {
  if (answer === undefined || answer.kind === 'unavailable')
    return { kind: 'temperror', reason: 'the key could not be looked up' }
  if (answer.kind === 'absent') return { kind: 'permerror', reason: 'there is no key record' }
  const records = [...new Set(answer.records)].filter((text) => !otherVersion.test(text))
  if (records.length === 0) return { kind: 'permerror', reason: 'there is no key record' }
  if (records.length > mostRecords) return { kind: 'permerror', reason: 'there are too many key records' }
  const read = records.map(verificationKeyOf)
  const fitting = read.filter((one): one is VerificationKey => !isSyntaxFault(one) && one.type === keyTypeOf(algorithm))
  const [key, another] = fitting
  if (key !== undefined && another === undefined) return { kind: 'key', key }
  if (key !== undefined) return { kind: 'permerror', reason: 'there is more than one key record' }
  const fault = read.find(isSyntaxFault)
  return { kind: 'permerror', reason: fault?.reason ?? 'the key is of another type than a= says' }
}
