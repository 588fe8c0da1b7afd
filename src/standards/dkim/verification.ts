import { isSyntaxFault } from '../fault.ts'
import type { HeaderField, HeaderSection } from '../message/header-section.ts'
import { signatureText } from './bare-signature.ts'
import type { BodyHashes } from './body-hashes.ts'
import { claimsOf, noClaims, readableClaims } from './claims.ts'
import { fieldOccurrences } from './field-occurrences.ts'
import { findKey, keyNeedOf } from './find-key.ts'
import type { Circumstances, KeyNeed } from './key-answers.ts'
import { type SignatureCheck, type SignedMessage, checkSignature, settled } from './signature-check.ts'
import type { SignatureClaims, SignatureResult } from './signature-result.ts'
import { readSignatureTags } from './signature-tags.ts'
import { parseTagList } from './tag-list.ts'

/** Signatures of one message that are verified, from the top; real mail has a handful. */
export const mostSignatures = 20

/** When so many fields before it were no signature at all, someone is padding the message: nothing below them is verified. */
export const mostFaulty = 5

/** The DKIM signatures of a message, while they wait for the body and for keys. */
export type DkimVerification = {
  /** Key records that are needed, each name once. Whoever cares for some signatures only may leave the rest out: they become temperror. */
  readonly needs: readonly KeyNeed[]
  /** The results, top first, one for each DKIM-Signature field; empty is `none`. Call it once the whole body was fed to the body hashes. */
  conclude(circumstances: Circumstances): readonly SignatureResult[]
}

/**
 * Starts to verify every DKIM signature of a message (RFC 6376 §6, RFC 8301, RFC 8463). Nothing is looked up and nothing waits: give the
 * body to `bodies`, find the keys that it names, and let it conclude.
 */
export function openDkimVerification(section: HeaderSection, bodies: BodyHashes): DkimVerification {
  const message: SignedMessage = { section, occurrences: fieldOccurrences(section), bodies }
  const checks: SignatureCheck[] = []
  let faulty = 0
  for (const index of message.occurrences.get('dkim-signature') ?? []) {
    const field = section.fields[index]
    if (field === undefined) continue
    const check =
      checks.length < mostSignatures && faulty < mostFaulty
        ? openSignature(message, field, index)
        : settled(noClaims, 'neutral', 'the message has more signatures than are verified')
    if (check.need === null) faulty++
    checks.push(check)
  }
  return {
    needs: distinctNeeds(checks),
    conclude: (circumstances) => checks.map((check) => check.conclude(circumstances)),
  }
}

function openSignature(message: SignedMessage, field: HeaderField, index: number): SignatureCheck {
  const text = signatureText(message.section, field)
  const list = parseTagList(text)
  if (isSyntaxFault(list)) return settled(noClaims, 'permerror', list.reason)
  if (list.get('a')?.toLowerCase() === 'rsa-sha1') return openSha1(readableClaims(list))
  const tags = readSignatureTags(list)
  if (isSyntaxFault(tags)) return settled(readableClaims(list), 'permerror', tags.reason)
  if (tags.signature.length === 0) return settled(readableClaims(list), 'permerror', 'b= is empty')
  const claims = claimsOf(tags, tags.identity ?? `@${tags.domain}`)
  return checkSignature(message, { index, text, tags, claims })
}

/** RFC 8301 §3.1: a signature that is known well enough to say what is wrong with its key, and not to be believed whatever it is. */
function openSha1(claims: SignatureClaims): SignatureCheck {
  const { domain, selector } = claims
  const need = domain === null || selector === null ? null : keyNeedOf({ domain, selector })
  if (need === null || isSyntaxFault(need)) return settled(claims, 'permerror', 'd= or s= names no key record')
  return {
    need,
    conclude: ({ keys }) => {
      const found = findKey(keys.get(need.name), 'rsa-sha256')
      const bits = found.kind === 'key' ? found.key.bits : null
      const testing = found.kind === 'key' && found.key.testing
      const result = found.kind === 'key' ? 'policy' : found.kind
      const reason = found.kind === 'key' ? 'rsa-sha1 proves nothing' : found.reason
      return { ...claims, result, reason, uncoveredOctets: 0, keyBits: bits, testing }
    },
  }
}

/** The keys that checks need, each name once. */
export function distinctNeeds(checks: readonly { readonly need: KeyNeed | null }[]): readonly KeyNeed[] {
  const needs = new Map<string, KeyNeed>()
  for (const { need } of checks) if (need !== null) needs.set(need.name, need)
  return [...needs.values()]
}
