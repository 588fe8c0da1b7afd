import { type KeyObject, hash, timingSafeEqual } from 'node:crypto'
import { isSyntaxFault } from '../standards/fault.ts'
import type { SignatureAlgorithm } from '../standards/dkim/algorithm.ts'
import { type SigningInput, readSigningInput } from '../standards/dkim/signing-input.ts'
import { type SealFields, sealMatches } from '../standards/seal.ts'
import type { Secret } from '../standards/secret.ts'
import type { KeyStore } from './key-store.ts'
import type { GrantIndex } from './policy-copy.ts'
import type { SigningAnswer } from './protocol.ts'
import type { ClaimedRequest } from './wire.ts'

/** What the signer knows by itself when a request comes. */
export type SignerState = {
  readonly sealKey: Secret<Buffer>
  readonly policyVersion: number
  readonly grants: GrantIndex
  readonly keys: KeyStore
}

export type Cleared = { readonly kind: 'cleared'; readonly key: KeyObject; readonly algorithm: SignatureAlgorithm }

type Refusal = Exclude<SigningAnswer, { kind: 'signature' }>

/** No permit is good for longer than this from now, in milliseconds. */
const longestLife = 60_000
/** A permit sealed this many policy versions ago may still be on the pipe when the newer copy has already come. */
const versionStep = 4
/** `t=` may be this far ahead of our clock, in seconds: both ends share one machine. */
const clockSlack = 60

/**
 * Checks a request against everything that the signer knows by itself: the seal, its age, the input it names, what the input says, and
 * this process's own copy of the policy. `now` is in milliseconds since the epoch.
 */
export function checkRequest(request: ClaimedRequest, state: SignerState, now: number): Cleared | Refusal {
  const { fields } = request
  const broken = sealGap(request, state, now)
  if (broken !== null) return refused(broken)
  const read = readSigningInput(request.input)
  if (isSyntaxFault(read)) return refused(`the signing input is not ours: ${read.reason}`)
  const foreign = inputGap(read, fields, state, now)
  if (foreign !== null) return refused(foreign)
  if (fields.policyVersion > state.policyVersion)
    return unavailable('the permit is newer than the policy copy of the signer')
  if (fields.policyVersion < state.policyVersion - versionStep)
    return refused('the permit was judged under an old policy')
  if (!state.grants.covers(fields.customer, fields.source, fields.domain)) {
    return refused('the policy copy of the signer has no such grant')
  }
  return clearKey(fields, read.signature.algorithm, state)
}

function sealGap({ fields, mac, input }: ClaimedRequest, state: SignerState, now: number): string | null {
  if (!sealMatches(state.sealKey, fields, mac)) return 'the seal is not one of this boot over these fields'
  if (!Number.isSafeInteger(fields.expiresAt) || fields.expiresAt <= now) return 'the permit has expired'
  if (fields.expiresAt > now + longestLife) return 'the permit is good for too long'
  const inputHash = hash('sha256', input, 'buffer')
  const same = inputHash.length === fields.inputHash.length && timingSafeEqual(inputHash, fields.inputHash)
  return same ? null : 'the permit is for another signing input'
}

function inputGap(
  { author, signature }: SigningInput,
  fields: SealFields,
  state: SignerState,
  now: number,
): string | null {
  if (signature.domain !== fields.domain) return 'd= is not the domain of the permit'
  if (signature.selector !== fields.selector) return 's= is not the selector of the permit'
  if (author !== fields.domain && !includes(fields, author, state)) {
    return 'the author domain is not the domain of the permit'
  }
  return signature.signedAt !== null && signature.signedAt > now / 1000 + clockSlack ? 't= is in the future' : null
}

/** An author below the domain is meant where the policy copy says that the grant includes it. */
function includes({ customer, source, domain }: SealFields, author: string, state: SignerState): boolean {
  return author.endsWith(`.${domain}`) && state.grants.covers(customer, source, author)
}

function clearKey(fields: SealFields, algorithm: SignatureAlgorithm, state: SignerState): Cleared | Refusal {
  const stored = state.keys.find(fields.selector, fields.domain)
  if (stored === null) return unavailable('the signer has no key under this selector')
  if (stored.customer !== fields.customer || stored.source !== fields.source) {
    return refused('the key belongs to another customer or source')
  }
  if (stored.algorithm !== algorithm) return refused('a= is not the algorithm of the key')
  const key = state.keys.open(stored)
  return key === null ? unavailable('the key cannot be opened') : { kind: 'cleared', key, algorithm: stored.algorithm }
}

function refused(reason: string): Refusal {
  return { kind: 'refused', reason }
}

function unavailable(reason: string): Refusal {
  return { kind: 'unavailable', reason }
}
