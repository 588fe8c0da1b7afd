import type { Domain } from '../names/domain.ts'
import type { Canonicalisation } from './signature-tags.ts'

/** What came of one signature, in the words of RFC 8601 §2.7.1. A message without signatures has no such results, which is `none`. */
export type DkimWord = 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror'

/** What a DKIM-Signature or an ARC-Message-Signature says of itself. A claim until the result is `pass`. null: absent or unreadable. */
export type SignatureClaims = {
  /** `d=`, the SDID. */
  readonly domain: Domain | null
  readonly selector: string | null
  /** `i=`, the AUID, decoded; `@` and the SDID when the tag is absent. null where the field is faulty, and in ARC, which has none. */
  readonly identity: string | null
  /** `a=` in lower case, as the peer wrote it when it is none that counts. */
  readonly algorithm: string | null
  readonly headerCanonicalisation: Canonicalisation | null
  readonly bodyCanonicalisation: Canonicalisation | null
  /** `h=` in lower case and in its order: a name once for each occurrence that is signed, counted from the bottom of the header section. */
  readonly signedFields: readonly string[]
  /** `t=` and `x=` in seconds since the epoch. */
  readonly signedAt: number | null
  readonly expiresAt: number | null
  /** `l=`: octets of the canonical body that the signature says it covers. null, the only safe case: all of them. */
  readonly bodyLength: number | null
}

/** What came of one signature, with all that a reader needs to judge what it proves. */
export type SignatureResult = SignatureClaims & {
  readonly result: DkimWord
  /** Plain ASCII words without anything that a peer wrote. */
  readonly reason: string
  /** Octets of the canonical body that lie behind `l=`. A signature for which this is not 0 is evidence of nothing. */
  readonly uncoveredOctets: number
  /** Of the key that was found: modulus bits of RSA, 256 of Ed25519; null when there was none to look at. */
  readonly keyBits: number | null
  /** `t=y` in the key record: the domain is testing DKIM, so a failure is to be read as no signature (RFC 6376 §3.6.1). */
  readonly testing: boolean
}
