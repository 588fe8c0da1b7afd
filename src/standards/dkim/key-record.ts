import { createPublicKey, type KeyObject } from 'node:crypto'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import type { Domain } from '../names/domain.ts'
import type { SignatureAlgorithm } from './algorithm.ts'
import { parseTagBase64, parseTagList, withoutFws } from './tag-list.ts'

export type KeyType = 'rsa' | 'ed25519'

/** What a key record says (RFC 6376 §3.6.1). */
export type KeyRecord = {
  readonly keyType: KeyType
  /** `p=` decoded: SubjectPublicKeyInfo in DER for RSA, the 32 octets of RFC 8463 §4.2 for Ed25519. Empty: the key is revoked. */
  readonly publicKey: Buffer
  /** `t=`: y (testing) and s (no subdomains in `i=`) are known. */
  readonly flags: readonly string[]
}

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

/** `selector._domainkey.domain`, where the record stands (RFC 6376 §3.6.2.1). */
export function keyRecordName(selector: string, domain: Domain): string {
  return `${selector}._domainkey.${domain}`
}

/** The text of the TXT record for a public key; `p` is base64. */
export function formatKeyRecord(algorithm: SignatureAlgorithm, p: string): string {
  return `v=DKIM1; k=${keyTypeOf(algorithm)}; p=${p}`
}

/** `p=` of a public key in base64. */
export function publicKeyText(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' })
  const octets = key.asymmetricKeyType === 'ed25519' ? der.subarray(ed25519Prefix.length) : der
  return octets.toString('base64')
}

/** Reads the text of a TXT record (its strings joined). A record of another use than mail, or without SHA-256, is a fault. */
export function parseKeyRecord(text: string): KeyRecord | SyntaxFault {
  const tags = parseTagList(text)
  if (isSyntaxFault(tags)) return tags
  const version = tags.get('v')
  if (version !== undefined && (version !== 'DKIM1' || tags.keys().next().value !== 'v')) {
    return syntaxFault('v= is not DKIM1 or does not stand first')
  }
  const keyType = tags.get('k') ?? 'rsa'
  if (keyType !== 'rsa' && keyType !== 'ed25519') return syntaxFault('k= is no key type that counts')
  if (!listAllows(tags.get('h'), ['sha256'])) return syntaxFault('h= does not allow sha256')
  if (!listAllows(tags.get('s'), ['*', 'email'])) return syntaxFault('s= does not allow mail')
  const p = tags.get('p')
  if (p === undefined) return syntaxFault('p= is absent')
  const publicKey = parseTagBase64(p)
  if (isSyntaxFault(publicKey)) return publicKey
  const flags = splitList(tags.get('t') ?? '')
  return { keyType, publicKey, flags }
}

/** The key of a record for node:crypto, or a fault when its octets are no such key or it is revoked. */
export function publicKeyOf(record: KeyRecord): KeyObject | SyntaxFault {
  const { keyType, publicKey } = record
  if (publicKey.length === 0) return syntaxFault('the key is revoked')
  if (keyType === 'ed25519' && publicKey.length !== 32) return syntaxFault('the Ed25519 key is not 32 octets')
  if (keyType === 'ed25519') return readKey(Buffer.concat([ed25519Prefix, publicKey]), keyType, 'spki')
  // RFC 6376 §3.6.1 says RSAPublicKey and shows SubjectPublicKeyInfo; both are in the DNS.
  const key = readKey(publicKey, keyType, 'spki')
  if (!isSyntaxFault(key)) return key
  const bare = readKey(publicKey, keyType, 'pkcs1')
  return isSyntaxFault(bare) ? key : bare
}

function readKey(der: Buffer, keyType: KeyType, type: 'spki' | 'pkcs1'): KeyObject | SyntaxFault {
  try {
    const key = createPublicKey({ key: der, format: 'der', type })
    return key.asymmetricKeyType === keyType ? key : syntaxFault('the key is of another type than k= says')
  } catch {
    return syntaxFault('the key cannot be read')
  }
}

/** The type of key that an algorithm needs. */
export function keyTypeOf(algorithm: SignatureAlgorithm): KeyType {
  return algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'
}

function listAllows(list: string | undefined, wanted: readonly string[]): boolean {
  return list === undefined || splitList(list).some((item) => wanted.includes(item))
}

function splitList(list: string): readonly string[] {
  const dense = withoutFws(list)
  return dense === '' ? [] : dense.split(':')
}
