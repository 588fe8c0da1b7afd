import { createHash, verify } from 'node:crypto'
import type { SignatureAlgorithm } from './algorithm.ts'
import type { VerificationKey } from './verification-key.ts'

/** RFC 8301 §3.2: a signature by a smaller RSA key is not to be considered valid. */
const leastRsaBits = 1024

/** Whether the key is too small to prove anything, whatever it verifies. */
export function isTooSmall(key: VerificationKey): boolean {
  return key.type === 'rsa' && key.bits < leastRsaBits
}

/** Whether the signature is one over these octets. Ed25519 signs their SHA-256 (RFC 8463 §3). */
export function verifyOctets(
  algorithm: SignatureAlgorithm,
  octets: Buffer,
  { key }: VerificationKey,
  signature: Buffer,
): boolean {
  try {
    return algorithm === 'rsa-sha256'
      ? verify('sha256', octets, key, signature)
      : verify(null, createHash('sha256').update(octets).digest(), key, signature)
  } catch {
    // What the library refuses to compute with verifies nothing.
    return false
  }
}
