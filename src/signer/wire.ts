import { isSignatureAlgorithm } from '../standards/dkim/algorithm.ts'
import { isRecord } from './json.ts'
import type { PolicyChange } from './policy-copy.ts'
import { encodeFrame } from './frames.ts'
import type { SigningAnswer, SigningRequest, WrappedKey } from './protocol.ts'
import type { SealFields } from '../standards/seal.ts'
import { Secret } from '../standards/secret.ts'

/** Kinds of frames. `ready` and `answer` come from the signer, the others go to it. */
export const frameKind = { hello: 1, policy: 2, sign: 3, ready: 4, answer: 5, key: 6 } as const

/** The first frame: what lives for one boot. */
export type Hello = {
  readonly sealKey: Secret<Buffer>
  /** `file:PATH`, `env:NAME` or `command:LINE`. */
  readonly wrapping: string
}

/** A signing request as it came over the pipe: a claim of the relay, nothing more until it is checked. */
export type ClaimedRequest = {
  readonly id: number
  readonly fields: SealFields
  readonly mac: Buffer
  readonly input: Buffer
}

const answerKinds = ['signature', 'refused', 'unavailable'] as const

export function encodeHello(hello: Hello): Buffer {
  const body = { sealKey: hello.sealKey.reveal().toString('base64'), wrapping: hello.wrapping }
  return encodeFrame(frameKind.hello, [Buffer.from(JSON.stringify(body))])
}

export function decodeHello(payload: Buffer): Hello | null {
  const body = parseJson(payload)
  if (!isRecord(body) || typeof body['sealKey'] !== 'string' || typeof body['wrapping'] !== 'string') return null
  const sealKey = Buffer.from(body['sealKey'], 'base64')
  return sealKey.length < 32 ? null : { sealKey: new Secret(sealKey), wrapping: body['wrapping'] }
}

export function encodePolicyChange(change: PolicyChange): Buffer {
  return encodeFrame(frameKind.policy, [Buffer.from(JSON.stringify(change))])
}

/** The relay makes these with `encodePolicyChange`; a payload of another shape answers null. */
export function decodePolicyChange(payload: Buffer): PolicyChange | null {
  const body = parseJson(payload)
  if (!isRecord(body) || !Number.isSafeInteger(body['version'])) return null
  const lists = [body['grants'], body['lostGrants'], body['lostKeys']]
  return lists.every((list) => Array.isArray(list)) ? (body as PolicyChange) : null
}

export function encodeKey({ selector, domain, source, customer, algorithm, wrapped }: WrappedKey): Buffer {
  // Without whatever else the caller keeps beside a key.
  const body = { selector, domain, source, customer, algorithm, wrapped }
  return encodeFrame(frameKind.key, [Buffer.from(JSON.stringify(body))])
}

/** The relay makes these with `encodeKey`; a payload of another shape answers null. */
export function decodeKey(payload: Buffer): WrappedKey | null {
  const body = parseJson(payload)
  if (!isRecord(body)) return null
  const texts = ['selector', 'domain', 'source', 'customer', 'algorithm', 'wrapped'].map((name) => body[name])
  if (!texts.every((text) => typeof text === 'string')) return null
  const key = body as WrappedKey
  return isSignatureAlgorithm(key.algorithm) ? key : null
}

export function encodeRequest(id: number, { permit, input }: SigningRequest): Buffer {
  const head = Buffer.allocUnsafe(20)
  head.writeUInt32BE(id, 0)
  head.writeDoubleBE(permit.policyVersion, 4)
  head.writeDoubleBE(permit.expiresAt, 12)
  const texts = [permit.customer, permit.domain, permit.source, permit.selector].map((text) => Buffer.from(text))
  return encodeFrame(frameKind.sign, [head, ...[...texts, permit.inputHash, permit.mac].flatMap(withLength), input])
}

export function decodeRequest(payload: Buffer): ClaimedRequest | null {
  if (payload.length < 20) return null
  let at = 20
  const next = (): Buffer | null => {
    if (payload.length < at + 2) return null
    const start = at + 2
    at = start + payload.readUInt16BE(at)
    return at > payload.length ? null : payload.subarray(start, at)
  }
  const customer = next()
  const domain = next()
  const source = next()
  const selector = next()
  const inputHash = next()
  const mac = next()
  if (!customer || !domain || !source || !selector || !inputHash || !mac) return null
  const fields = {
    customer: customer.toString(),
    domain: domain.toString(),
    source: source.toString(),
    selector: selector.toString(),
    policyVersion: payload.readDoubleBE(4),
    expiresAt: payload.readDoubleBE(12),
    inputHash,
  }
  return { id: payload.readUInt32BE(0), fields, mac, input: payload.subarray(at) }
}

export function encodeAnswer(id: number, answer: SigningAnswer): Buffer {
  const head = Buffer.allocUnsafe(5)
  head.writeUInt32BE(id)
  head[4] = answerKinds.indexOf(answer.kind)
  return encodeFrame(frameKind.answer, [
    head,
    answer.kind === 'signature' ? answer.signature : Buffer.from(answer.reason),
  ])
}

export function decodeAnswer(payload: Buffer): { readonly id: number; readonly answer: SigningAnswer } | null {
  const kind = payload.length < 5 ? undefined : answerKinds[payload[4] as number]
  if (kind === undefined) return null
  const rest = payload.subarray(5)
  const answer: SigningAnswer =
    kind === 'signature' ? { kind, signature: Buffer.from(rest) } : { kind, reason: rest.toString() }
  return { id: payload.readUInt32BE(0), answer }
}

function withLength(octets: Buffer): readonly Buffer[] {
  const length = Buffer.allocUnsafe(2)
  length.writeUInt16BE(octets.length)
  return [length, octets]
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return null
  }
}
