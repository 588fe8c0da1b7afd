import type { KeyObject } from 'node:crypto'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type KeyType, parseKeyRecord, publicKeyOf } from './key-record.ts'

/** A key that signatures can be verified with, and what its record says of its use. */
export type VerificationKey = {
  readonly key: KeyObject
  readonly type: KeyType
  /** Modulus bits of RSA, 256 of Ed25519. */
  readonly bits: number
  /** `t=y`. */
  readonly testing: boolean
  /** `t=s`: the domain of `i=` is that of `d=` itself. */
  readonly strictIdentity: boolean
}

/** RFC 8301 §3.2 asks for up to 4096 bits. Beyond this a key only costs time. */
const mostBits = 8192

/** A public exponent as people use them; a huge one makes a verification as slow as a signature. */
const mostExponent = 1n << 33n

/** Longer records hold no key that is used. */
const mostText = 8192

const mostRemembered = 1000
const remembered = new Map<string, VerificationKey | SyntaxFault>()

/**
 * Reads the text of a key record into a key. What came of the last thousand texts is remembered, since making a key object costs more than
 * verifying with it; the same text always reads the same, so nobody can tell.
 */
export function verificationKeyOf(text: string): VerificationKey | SyntaxFault {
  if (text.length > mostText) return syntaxFault('the key record is too long')
  const known = remembered.get(text)
  if (known !== undefined) {
    // Moves to the end: the first of the map is the one that was not asked for longest.
    remembered.delete(text)
    remembered.set(text, known)
    return known
  }
  const read = readVerificationKey(text)
  if (remembered.size >= mostRemembered) remembered.delete(remembered.keys().next().value ?? '')
  remembered.set(text, read)
  return read
}

function readVerificationKey(text: string): VerificationKey | SyntaxFault {
  const record = parseKeyRecord(text)
  if (isSyntaxFault(record)) return record
  const key = publicKeyOf(record)
  if (isSyntaxFault(key)) return key
  const { modulusLength = 256, publicExponent = 65_537n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength > mostBits) return syntaxFault('the RSA key is larger than any that is used')
  if (publicExponent < 3n || publicExponent > mostExponent)
    return syntaxFault('the RSA key has an exponent that is not used')
  return {
    key,
    type: record.keyType,
    bits: modulusLength,
    testing: record.flags.includes('y'),
    strictIdentity: record.flags.includes('s'),
  }
}
