import type { HeaderSection } from '../message/header-section.ts'
import { relaxedField, writeRelaxedField } from './relaxed-header.ts'
import type { Canonicalisation } from './signature-tags.ts'

/**
 * The octets that a signature signs (RFC 6376 §3.7): the canonical fields, each with its CRLF, then the signature's own field with an empty
 * `b=` and no CRLF. `own` is that field as it stands, with its CRLF or without.
 */
export function headerInput(
  section: HeaderSection,
  fields: readonly number[],
  canonicalisation: Canonicalisation,
  own: Buffer,
): Buffer {
  return canonicalisation === 'relaxed' ? relaxedInput(section, fields, own) : simpleInput(section, fields, own)
}

function relaxedInput(section: HeaderSection, fields: readonly number[], own: Buffer): Buffer {
  const last = relaxedField(own)
  // A relaxed field is at most an octet longer than it was, its CRLF included.
  const input = Buffer.allocUnsafe(octetsOf(section, fields) + fields.length + last.length)
  let at = 0
  for (const index of fields) {
    const field = section.fields[index]
    if (field === undefined) continue
    at = writeRelaxedField(section.bytes, field.start, field.end, input, at)
    input[at++] = 0x0d
    input[at++] = 0x0a
  }
  at += last.copy(input, at)
  return input.subarray(0, at)
}

function simpleInput(section: HeaderSection, fields: readonly number[], own: Buffer): Buffer {
  const input = Buffer.allocUnsafe(octetsOf(section, fields) + own.length)
  let at = 0
  for (const index of fields) {
    const field = section.fields[index]
    if (field !== undefined) at += section.bytes.copy(input, at, field.start, field.end)
  }
  const length = own.at(-1) === 0x0a && own.at(-2) === 0x0d ? own.length - 2 : own.length
  at += own.copy(input, at, 0, length)
  return input.subarray(0, at)
}

function octetsOf(section: HeaderSection, fields: readonly number[]): number {
  let octets = 0
  for (const index of fields) {
    const field = section.fields[index]
    if (field !== undefined) octets += field.end - field.start
  }
  return octets
}
