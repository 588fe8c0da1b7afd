import type { SignatureResult } from '../dkim/signature-result.ts'
import type { Domain } from '../names/domain.ts'

export type ChainValidation = 'none' | 'pass' | 'fail'

/** What came of the ARC sets of a message (RFC 8617 §5.2). */
export type ArcResult = {
  /** The Chain Validation Status: `none` without any ARC set. */
  readonly result: ChainValidation
  /** Plain ASCII words without anything that a peer wrote. */
  readonly reason: string
  /** The chain fails only because a key could not be looked up: another try may pass. */
  readonly temporary: boolean
  /** Oldest first, instance 1 at index 0; empty when the fields do not make sets at all. */
  readonly sets: readonly ArcSetResult[]
}

/** One ARC set. What it says is proven by its Sealer only where `result` of the whole chain is `pass`. */
export type ArcSetResult = {
  readonly instance: number
  /** The ARC-Authentication-Results field behind `i=N;`, unfolded, as the Sealer wrote it. */
  readonly authenticationResults: string
  /** The ARC-Message-Signature. Only that of the newest set is verified (RFC 8617 §5.2 step 4); null: it was not. */
  readonly messageSignature: SignatureResult | null
  readonly seal: ArcSealResult
}

export type ArcSealResult = {
  /** null: the chain had failed before this seal was looked at. */
  readonly result: 'pass' | 'fail' | null
  readonly domain: Domain
  readonly selector: string
  readonly algorithm: string
  readonly chainValidation: ChainValidation
  /** `t=` in seconds since the epoch. */
  readonly signedAt: number | null
  readonly keyBits: number | null
}
