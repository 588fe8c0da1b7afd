import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'

/** What a seal binds: one signature, by one key, over one input, for a short time. */
export type SealFields = {
  readonly customer: string
  readonly domain: string
  readonly source: string
  readonly selector: string
  readonly policyVersion: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** SHA-256 of the signing input. */
  readonly inputHash: Buffer
}

/** Changes when the encoding does, so that a seal never means two things. */
const context = 'anechoic seal 1'

/**
 * The octets that a seal covers. Each field is preceded by its length in four octets, so that no two different sets of
 * fields encode to the same octets ("ab" + "c" is not "a" + "bc").
 */
export function sealBytes(fields: SealFields): Buffer {
  const parts: Buffer[] = []
  for (const field of [
    context,
    fields.customer,
    fields.domain,
    fields.source,
    fields.selector,
    String(fields.policyVersion),
    String(fields.expiresAt),
    fields.inputHash,
  ]) {
    const octets = typeof field === 'string' ? Buffer.from(field, 'utf8') : field
    const length = Buffer.alloc(4)
    length.writeUInt32BE(octets.length)
    parts.push(length, octets)
  }
  return Buffer.concat(parts)
}

/** HMAC-SHA-256 of `sealBytes` (RFC 2104). */
export function sealMac(key: Secret<Buffer>, fields: SealFields): Buffer {
  return createHmac('sha256', key.reveal()).update(sealBytes(fields)).digest()
}

/** Whether `mac` seals these fields under this key; takes the same time wherever they differ. */
export function sealMatches(key: Secret<Buffer>, fields: SealFields, mac: Buffer): boolean {
  const expected = sealMac(key, fields)
  return mac.length === expected.length && timingSafeEqual(mac, expected)
}
