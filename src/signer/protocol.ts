import type { SealedPermit } from '../path/decision/decision.ts'

/** What the relay asks of the signer for one signature. */
export type SigningRequest = {
  readonly permit: SealedPermit
  /** The exact octets to sign: canonicalised header fields, then the DKIM-Signature field with an empty `b=` (RFC 6376 §3.7). */
  readonly input: Buffer
}

export type SigningAnswer =
  | { readonly kind: 'signature'; readonly signature: Buffer }
  /** The permit does not hold: forged, altered, stale, foreign, or not what the signer's own policy copy allows. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The signer is away or has no such key yet; a fault of ours, to be tried again. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** The relay's side of the pipe. Without a sealed permit the call does not compile. */
export interface Signer {
  sign(request: SigningRequest): Promise<SigningAnswer>
}

/** A key as it is stored: the private half wrapped with AES-256-GCM under the wrapping key; only the signer can open it. */
export type WrappedKey = {
  readonly selector: string
  readonly domain: string
  readonly source: string
  readonly customer: string
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  /** `v1:<base64 nonce>:<base64 ciphertext and tag>`; selector, domain, source and algorithm are the additional data. */
  readonly wrapped: string
}

/** What names a key: no two have both the same. */
export type KeyName = Pick<WrappedKey, 'selector' | 'domain'>
