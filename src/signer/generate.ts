import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { isSignatureAlgorithm } from '../standards/dkim/algorithm.ts'
import { formatKeyRecord, publicKeyText } from '../standards/dkim/key-record.ts'
import { isRecord } from './json.ts'
import type { WrappedKey } from './protocol.ts'
import { fetchWrappingKey } from './wrapping-place.ts'
import { type KeyIdentity, type WrappingKey, wrapKey } from './wrapping.ts'

/** Whose key to make. `bits` is for RSA; Ed25519 has one length. */
export type KeyOrder = KeyIdentity & { readonly bits?: 2048 | 3072 | 4096 }

export type GeneratedKey = WrappedKey & {
  /** `p=` of the record, in base64. */
  readonly p: string
  /** The whole text of the TXT record. */
  readonly publicRecord: string
}

/** What `generate` reads on standard input; it answers the keys in the same order. */
export type GenerateRequest = { readonly wrapping: string; readonly keys: readonly KeyOrder[] }

const makePair = promisify(generateKeyPair)
const lengths: readonly unknown[] = [2048, 3072, 4096]

/** Makes the keys that a request in JSON asks for. Throws an Error in plain words when it can't. */
export async function generate(request: string): Promise<readonly GeneratedKey[]> {
  const { wrapping, keys } = readRequest(request)
  const wrappingKey = fetchWrappingKey(wrapping)
  return Promise.all(keys.map((order) => generateOne(order, wrappingKey)))
}

async function generateOne(order: KeyOrder, wrapping: WrappingKey): Promise<GeneratedKey> {
  const { publicKey, privateKey } = await pairFor(order)
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const wrapped = wrapKey(wrapping, order, der)
  der.fill(0)
  const p = publicKeyText(publicKey)
  return { ...wrapped, p, publicRecord: formatKeyRecord(order.algorithm, p) }
}

function pairFor(order: KeyOrder): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
  switch (order.algorithm) {
    case 'rsa-sha256':
      return makePair('rsa', { modulusLength: order.bits ?? 2048, publicExponent: 65_537 })
    case 'ed25519-sha256':
      return makePair('ed25519', {})
    default:
      return order.algorithm satisfies never
  }
}

function readRequest(text: string): GenerateRequest {
  const request: unknown = JSON.parse(text)
  if (!isRecord(request) || typeof request['wrapping'] !== 'string' || !Array.isArray(request['keys'])) {
    throw new Error('the request does not say wrapping and keys')
  }
  return { wrapping: request['wrapping'], keys: request['keys'].map(readOrder) }
}

function readOrder(order: unknown): KeyOrder {
  if (!isRecord(order)) throw new Error('a key order is no object')
  const text = (name: string): string => {
    const value = order[name]
    if (typeof value !== 'string' || value === '') throw new Error(`a key order lacks ${name}`)
    return value
  }
  const algorithm = text('algorithm')
  const bits = order['bits'] ?? 2048
  if (!isSignatureAlgorithm(algorithm)) throw new Error('a key order names an unknown algorithm')
  if (!lengths.includes(bits)) throw new Error('a key order names a length other than 2048, 3072 or 4096')
  return {
    selector: text('selector'),
    domain: text('domain'),
    source: text('source'),
    customer: text('customer'),
    algorithm,
    bits: bits as 2048 | 3072 | 4096,
  }
}
