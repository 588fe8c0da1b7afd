import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { WrappedKey } from './protocol.ts'

/** The key under which private keys are stored: 32 octets for AES-256-GCM. */
export type WrappingKey = KeyObject

/** Whose a private key is: the additional data of its wrapping, so that a blob can't be passed off as another customer's. */
export type KeyIdentity = Omit<WrappedKey, 'wrapped'>

const cipher = 'aes-256-gcm'
const nonceLength = 12
const tagLength = 16

/** Reads a wrapping key from 32 octets as they are, or as text in base64 or hexadecimal; null when it is none of these. */
export function parseWrappingKey(octets: Buffer): WrappingKey | null {
  if (octets.length === 32) return createSecretKey(octets)
  const text = octets.toString('latin1').trim()
  const key = /^[0-9A-Fa-f]{64}$/.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : null
  if (key === null) return null
  const made = createSecretKey(key)
  key.fill(0)
  return made
}

/** Wraps a private key (PKCS #8 in DER). */
export function wrapKey(wrapping: WrappingKey, identity: KeyIdentity, privateKey: Buffer): WrappedKey {
  const nonce = randomBytes(nonceLength)
  const sealing = createCipheriv(cipher, wrapping, nonce).setAAD(additionalData(identity))
  const sealed = Buffer.concat([sealing.update(privateKey), sealing.final(), sealing.getAuthTag()])
  const { selector, domain, source, customer, algorithm } = identity
  const wrapped = `v1:${nonce.toString('base64')}:${sealed.toString('base64')}`
  return { selector, domain, source, customer, algorithm, wrapped }
}

/** The private key in DER; null when the blob is damaged, was wrapped under another key, or belongs to another identity. */
export function unwrapKey(wrapping: WrappingKey, key: WrappedKey): Buffer | null {
  const [version, nonceText, sealedText, ...rest] = key.wrapped.split(':')
  if (version !== 'v1' || nonceText === undefined || sealedText === undefined || rest.length > 0) return null
  const nonce = Buffer.from(nonceText, 'base64')
  const sealed = Buffer.from(sealedText, 'base64')
  if (nonce.length !== nonceLength || sealed.length <= tagLength) return null
  const opening = createDecipheriv(cipher, wrapping, nonce, { authTagLength: tagLength })
  opening.setAAD(additionalData(key)).setAuthTag(sealed.subarray(-tagLength))
  try {
    return Buffer.concat([opening.update(sealed.subarray(0, -tagLength)), opening.final()])
  } catch {
    return null
  }
}

/** Each part is preceded by its length in four octets, so that parts can't flow into each other. */
function additionalData({ selector, domain, source, customer, algorithm }: KeyIdentity): Buffer {
  return Buffer.concat(
    [selector, domain, source, customer, algorithm].flatMap((text) => {
      const octets = Buffer.from(text)
      const length = Buffer.allocUnsafe(4)
      length.writeUInt32BE(octets.length)
      return [length, octets]
    }),
  )
}
