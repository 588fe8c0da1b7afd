import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import type { BodyHashes } from '../dkim/body-hashes.ts'
import { claimsOf, readableClaims } from '../dkim/claims.ts'
import { fieldOccurrences } from '../dkim/field-occurrences.ts'
import { findKey, keyNeedOf } from '../dkim/find-key.ts'
import type { Circumstances, KeyNeed } from '../dkim/key-answers.ts'
import { type SignatureCheck, type SignedMessage, checkSignature, settled } from '../dkim/signature-check.ts'
import type { SignatureResult } from '../dkim/signature-result.ts'
import { readMessageSignatureTags } from '../dkim/signature-tags.ts'
import { distinctNeeds } from '../dkim/verification.ts'
import { isTooSmall, verifyOctets } from '../dkim/verify-octets.ts'
import type { HeaderSection } from '../message/header-section.ts'
import type { ArcResult, ArcSealResult, ArcSetResult } from './result.ts'
import { sealInputs } from './seal-input.ts'
import { type ArcField, type ArcSet, readArcSets } from './sets.ts'

/** The ARC sets of a message, while they wait for the body and for keys. */
export type ArcVerification = {
  /** Key records that are needed, each name once. */
  readonly needs: readonly KeyNeed[]
  /** Call it once the whole body was fed to the body hashes. */
  conclude(circumstances: Circumstances): ArcResult
}

/**
 * Starts to verify the ARC chain of a message (RFC 8617 §5.2): the structure of every set, the newest ARC-Message-Signature, every seal.
 * Nothing is looked up and nothing waits: give the body to `bodies`, find the keys that it names, and let it conclude.
 */
export function openArcVerification(section: HeaderSection, bodies: BodyHashes): ArcVerification {
  const occurrences = fieldOccurrences(section)
  const sets = readArcSets(section, occurrences)
  if (isSyntaxFault(sets)) return concluded({ result: 'fail', reason: sets.reason, temporary: false, sets: [] })
  const newest = sets.at(-1)
  if (newest === undefined)
    return concluded({ result: 'none', reason: 'there is no ARC set', temporary: false, sets: [] })
  const fault = chainFault(sets, newest)
  if (fault !== null) {
    const untouched = sets.map((set) => setResult(set, null, sealResult(set, null, null)))
    return concluded({ result: 'fail', reason: fault, temporary: false, sets: untouched })
  }
  const message = openMessageSignature({ section, occurrences, bodies }, newest.message)
  const seals = sets.map((set) => openSeal(set))
  return {
    needs: distinctNeeds([message, ...seals]),
    conclude: (circumstances) => concludeChain(section, sets, message, seals, circumstances),
  }
}

function concluded(result: ArcResult): ArcVerification {
  return { needs: [], conclude: () => result }
}

/** RFC 8617 §5.2 step 2 and 3.C: what the seals say of the chain before them. */
function chainFault(sets: readonly ArcSet[], newest: ArcSet): string | null {
  if (newest.seal.tags.chainValidation === 'fail') return 'the newest seal says that the chain had failed'
  return sets.every(({ instance, seal }) => seal.tags.chainValidation === (instance === 1 ? 'none' : 'pass'))
    ? null
    : 'a seal says something else than that the chain before it passed'
}

function openMessageSignature(message: SignedMessage, { index, text, list }: ArcField): SignatureCheck {
  const tags = readMessageSignatureTags(list)
  if (isSyntaxFault(tags)) return settled(readableClaims(list), 'permerror', tags.reason)
  const claims = claimsOf(tags, null)
  if (tags.signature.length === 0) return settled(claims, 'permerror', 'b= is empty')
  // RFC 8617 §4.1.2: seals sign themselves, in an order of their own.
  if (tags.signedFields.includes('arc-seal')) return settled(claims, 'permerror', 'h= names ARC-Seal')
  return checkSignature(message, { index, text, tags, claims })
}

type SealCheck = { readonly set: ArcSet; readonly need: KeyNeed | null; readonly fault: SyntaxFault | null }

function openSeal(set: ArcSet): SealCheck {
  const need = keyNeedOf(set.seal.tags)
  return isSyntaxFault(need) ? { set, need: null, fault: need } : { set, need, fault: null }
}

type Trouble = { readonly reason: string; readonly temporary: boolean }

/** RFC 8617 §5.2 steps 4 and 6, newest seal first. The first lasting trouble ends it; a key that could not be looked up does not. */
function concludeChain(
  section: HeaderSection,
  sets: readonly ArcSet[],
  message: SignatureCheck,
  seals: readonly SealCheck[],
  circumstances: Circumstances,
): ArcResult {
  const newest = message.conclude(circumstances)
  let trouble = newest.result === 'pass' ? null : troubleOfMessage(newest)
  const inputOf = sealInputs(section, sets)
  const results: ArcSealResult[] = []
  for (const check of seals.toReversed()) {
    if (trouble !== null && !trouble.temporary) {
      results.push(sealResult(check.set, null, null))
      continue
    }
    const { result, found } = concludeSeal(check, inputOf, circumstances)
    if (found !== null && (trouble === null || !found.temporary)) trouble = found
    results.push(result)
  }
  results.reverse()
  return {
    result: trouble === null ? 'pass' : 'fail',
    reason: trouble === null ? 'the newest message signature and every seal verify' : trouble.reason,
    temporary: trouble?.temporary ?? false,
    sets: sets.map((set, at) => setResult(set, at === sets.length - 1 ? newest : null, results[at] as ArcSealResult)),
  }
}

function troubleOfMessage({ result, reason }: SignatureResult): Trouble {
  return { reason: `the newest message signature: ${reason}`, temporary: result === 'temperror' }
}

function concludeSeal(
  { set, need, fault }: SealCheck,
  inputOf: (instance: number) => Buffer,
  { keys }: Circumstances,
): { readonly result: ArcSealResult; readonly found: Trouble | null } {
  const { tags } = set.seal
  const failed = (reason: string, bits: number | null, temporary = false) => ({
    result: sealResult(set, 'fail', bits),
    found: { reason: `seal ${set.instance}: ${reason}`, temporary },
  })
  if (need === null) return failed(fault?.reason ?? '', null)
  const key = findKey(keys.get(need.name), tags.algorithm)
  if (key.kind !== 'key') return failed(key.reason, null, key.kind === 'temperror')
  const { bits } = key.key
  if (isTooSmall(key.key)) return failed('the RSA key has fewer than 1024 bits', bits)
  return verifyOctets(tags.algorithm, inputOf(set.instance), key.key, tags.signature)
    ? { result: sealResult(set, 'pass', bits), found: null }
    : failed('the signature does not verify', bits)
}

function setResult(set: ArcSet, messageSignature: SignatureResult | null, seal: ArcSealResult): ArcSetResult {
  return { instance: set.instance, authenticationResults: set.results.text, messageSignature, seal }
}

function sealResult(set: ArcSet, result: ArcSealResult['result'], keyBits: number | null): ArcSealResult {
  const { domain, selector, algorithm, chainValidation, signedAt } = set.seal.tags
  return { result, domain, selector, algorithm, chainValidation, signedAt, keyBits }
}
