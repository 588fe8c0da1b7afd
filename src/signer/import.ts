import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto'
import { formatKeyRecord, publicKeyText } from '../standards/dkim/key-record.ts'
import type { GeneratedKey } from './generate.ts'
import { isRecord } from './json.ts'
import { fetchWrappingKey } from './wrapping-place.ts'
import { type KeyIdentity, type WrappingKey, wrapKey } from './wrapping.ts'

/** A private key that was made elsewhere, as text, and whose it is to be. */
export type ForeignKey = Omit<KeyIdentity, 'algorithm'> & {
  /** PEM, or what mail programs keep without its first and last line: base64 of PKCS #1, PKCS #8, or an Ed25519 seed. */
  readonly privateKey: string
}

export type TakenKey =
  | { readonly kind: 'taken'; readonly key: GeneratedKey }
  /** In words that hold nothing of the key. */
  | { readonly kind: 'refused'; readonly reason: string }

const lengths: readonly unknown[] = [2048, 3072, 4096]
/** PKCS #8 of an Ed25519 seed (RFC 8410 §7) before its 32 octets. */
const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Reads and wraps the keys that a request in JSON brings, in their order. Throws an Error in plain words when the request itself makes no sense. */
export function takeForeign(text: string): readonly TakenKey[] {
  const { wrapping, keys } = readRequest(text)
  const wrappingKey = fetchWrappingKey(wrapping)
  return keys.map((key) => takeOne(key, wrappingKey))
}

function takeOne(key: ForeignKey, wrapping: WrappingKey): TakenKey {
  const read = readPrivateKey(key.privateKey)
  if (typeof read === 'string') return { kind: 'refused', reason: read }
  const unusable = unusableBecause(read)
  if (unusable !== null) return { kind: 'refused', reason: unusable }
  const { selector, domain, source, customer } = key
  const algorithm = read.asymmetricKeyType === 'rsa' ? ('rsa-sha256' as const) : ('ed25519-sha256' as const)
  const der = read.export({ type: 'pkcs8', format: 'der' })
  const wrapped = wrapKey(wrapping, { selector, domain, source, customer, algorithm }, der)
  der.fill(0)
  const p = publicKeyText(createPublicKey(read))
  return { kind: 'taken', key: { ...wrapped, p, publicRecord: formatKeyRecord(algorithm, p) } }
}

/** A string says what is wrong. */
function readPrivateKey(text: string): KeyObject | string {
  if (text.includes('ENCRYPTED')) return 'the private key is under a passphrase: take that off first'
  if (text.includes('-----BEGIN')) return openedAs({ key: text, format: 'pem' }) ?? 'the PEM holds no private key'
  const dense = text.replace(/\s+/g, '')
  if (!/^[A-Za-z0-9+/]{40,8192}={0,2}$/.test(dense)) return 'it is neither PEM nor base64'
  const octets = Buffer.from(dense, 'base64')
  // A seed alone, or with the public half behind it as libsodium keeps it.
  if (octets.length === 32 || octets.length === 64) {
    const der = Buffer.concat([seedPrefix, octets.subarray(0, 32)])
    return openedAs({ key: der, format: 'der', type: 'pkcs8' }) ?? 'the octets are no Ed25519 key'
  }
  return (
    openedAs({ key: octets, format: 'der', type: 'pkcs8' }) ??
    openedAs({ key: octets, format: 'der', type: 'pkcs1' }) ??
    'the base64 holds no private key'
  )
}

function openedAs(input: Parameters<typeof createPrivateKey>[0]): KeyObject | null {
  try {
    return createPrivateKey(input)
  } catch {
    return null
  }
}

function unusableBecause(key: KeyObject): string | null {
  const length = key.asymmetricKeyDetails?.modulusLength
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return null
    case 'rsa':
      return lengths.includes(length) ? null : `an RSA key of ${length} bits is not taken: 2048, 3072 and 4096 are`
    default:
      return `a key of type ${key.asymmetricKeyType} signs no mail`
  }
}

function readRequest(text: string): { readonly wrapping: string; readonly keys: readonly ForeignKey[] } {
  const request: unknown = JSON.parse(text)
  if (!isRecord(request) || typeof request['wrapping'] !== 'string' || !Array.isArray(request['keys'])) {
    throw new Error('the request does not say wrapping and keys')
  }
  return { wrapping: request['wrapping'], keys: request['keys'].map(readKey) }
}

function readKey(key: unknown): ForeignKey {
  if (!isRecord(key)) throw new Error('a key is no object')
  for (const name of ['selector', 'domain', 'source', 'customer', 'privateKey']) {
    if (typeof key[name] !== 'string' || key[name] === '') throw new Error(`a key lacks ${name}`)
  }
  return key as ForeignKey
}
