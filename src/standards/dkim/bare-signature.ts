import type { HeaderField, HeaderSection } from '../message/header-section.ts'
import { rawFieldValue } from '../message/header-section.ts'
import { valueOfTag } from './tag-list.ts'

/** The value of a signature field as octets one to one: what `parseTagList` reads. */
export function signatureText(section: HeaderSection, field: HeaderField): string {
  return rawFieldValue(section, field).toString('latin1')
}

/** The whole field with the value of `b=` taken out, white space around it included (RFC 6376 §3.5), and nothing else changed. */
export function withoutSignature(section: HeaderSection, field: HeaderField, text: string): Buffer {
  const value = valueOfTag(text, 'b')
  if (value === null) return section.bytes.subarray(field.start, field.end)
  const from = field.valueStart + value.from
  const to = field.valueStart + value.to
  return Buffer.concat([section.bytes.subarray(field.start, from), section.bytes.subarray(to, field.end)])
}
