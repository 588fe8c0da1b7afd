import { createHash, type KeyObject, sign } from 'node:crypto'
import type { SignatureAlgorithm } from '../standards/dkim/algorithm.ts'

/** Signs here and now. RFC 8463 §3: Ed25519 signs the SHA-256 of the input, RSA-SHA256 the input. */
export function signNow(key: KeyObject, algorithm: SignatureAlgorithm, input: Buffer): Buffer {
  return algorithm === 'rsa-sha256'
    ? sign('sha256', input, key)
    : sign(null, createHash('sha256').update(input).digest(), key)
}

/** Signs with RSA on the thread pool. */
export function signBeside(key: KeyObject, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign('sha256', input, key, (error, signature) => (error === null ? resolve(signature) : reject(error)))
  })
}
