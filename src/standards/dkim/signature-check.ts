import { isSyntaxFault } from '../fault.ts'
import type { HeaderSection } from '../message/header-section.ts'
import { withoutSignature } from './bare-signature.ts'
import type { BodyHashes, WantedBodyHash } from './body-hashes.ts'
import { type FieldOccurrences, namedFields } from './field-occurrences.ts'
import { findKey, keyNeedOf } from './find-key.ts'
import { headerInput } from './header-input.ts'
import type { Circumstances, KeyNeed } from './key-answers.ts'
import type { DkimWord, SignatureClaims, SignatureResult } from './signature-result.ts'
import type { MessageSignatureTags } from './signature-tags.ts'
import type { VerificationKey } from './verification-key.ts'
import { isTooSmall, verifyOctets } from './verify-octets.ts'

/** A header section in which signatures are verified. */
export type SignedMessage = {
  readonly section: HeaderSection
  readonly occurrences: FieldOccurrences
  readonly bodies: BodyHashes
}

/** One signature that is being verified: what it needs, and its result once that is there. */
export type SignatureCheck = {
  /** null: no key would change the result. */
  readonly need: KeyNeed | null
  conclude(circumstances: Circumstances): SignatureResult
}

/** A signature that was read, and where it stands. */
export type ReadSignature = {
  /** Index into `section.fields`. */
  readonly index: number
  /** The field's value as octets one to one. */
  readonly text: string
  readonly tags: MessageSignatureTags
  readonly claims: SignatureClaims
}

/** A signature whose result is clear from its field alone. */
export function settled(claims: SignatureClaims, result: DkimWord, reason: string): SignatureCheck {
  const answer = { ...claims, result, reason, uncoveredOctets: 0, keyBits: null, testing: false }
  return { need: null, conclude: () => answer }
}

/** Starts to verify a signature over header and body (RFC 6376 §6.1, RFC 8617 §4.1.2). */
export function checkSignature(message: SignedMessage, signature: ReadSignature): SignatureCheck {
  const need = keyNeedOf(signature.tags)
  if (isSyntaxFault(need)) return settled(signature.claims, 'permerror', need.reason)
  const body = message.bodies.want(signature.tags.bodyCanonicalisation, signature.tags.bodyLength)
  return { need, conclude: (circumstances) => conclude(message, signature, need, body, circumstances) }
}

function conclude(
  message: SignedMessage,
  signature: ReadSignature,
  need: KeyNeed,
  wanted: WantedBodyHash,
  { keys, now }: Circumstances,
): SignatureResult {
  const { tags, claims } = signature
  const body = wanted.read()
  const found = findKey(keys.get(need.name), tags.algorithm)
  const key = found.kind === 'key' ? found.key : null
  const answer = (result: DkimWord, reason: string): SignatureResult => ({
    ...claims,
    result,
    reason,
    uncoveredOctets: body.uncoveredOctets,
    keyBits: key?.bits ?? null,
    testing: key?.testing ?? false,
  })
  if (tags.expiresAt !== null && now > tags.expiresAt) return answer('policy', 'the signature has expired')
  if (found.kind !== 'key') return answer(found.kind, found.reason)
  if (isTooSmall(found.key)) return answer('policy', 'the RSA key has fewer than 1024 bits')
  if (found.key.strictIdentity && !isIdentityOfDomain(claims))
    return answer('permerror', 'i= is below d=, which the key record forbids')
  if (body.digest === null) return answer('permerror', 'l= is longer than the body')
  if (!body.digest.equals(tags.bodyHash)) return answer('fail', 'the body is not the one that was signed')
  return verifyHeader(message, signature, found.key)
    ? answer('pass', 'the signature verifies')
    : answer('fail', 'the signature does not verify')
}

function verifyHeader(
  { section, occurrences }: SignedMessage,
  signature: ReadSignature,
  key: VerificationKey,
): boolean {
  const { index, text, tags } = signature
  const field = section.fields[index]
  if (field === undefined) return false
  const fields = namedFields(occurrences, tags.signedFields, index)
  const input = headerInput(section, fields, tags.headerCanonicalisation, withoutSignature(section, field, text))
  return verifyOctets(tags.algorithm, input, key, tags.signature)
}

function isIdentityOfDomain({ identity, domain }: SignatureClaims): boolean {
  return identity === null || identity.slice(identity.lastIndexOf('@') + 1) === domain
}
