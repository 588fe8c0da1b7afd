import { type Fields, readFields } from './fields.ts'
import type { Part, ReadMessage } from './parts.ts'

/** What is left of the message that a report is about: its header fields, as whoever made the report gave them back. */
export type ReturnedMessage = { readonly fields: Fields }

/** Part types that hold it, misspellings in use included (RFC 6522 §3, RFC 6533 §6). */
const holders = /^(?:message\/(?:rfc822|rfc822-headers|global|global-headers|partial)|text\/rfc822(?:-headers?)?)$/

export function holdsReturned({ contentType }: Part): boolean {
  return holders.test(contentType.type)
}

/** The returned message of a report in parts. The last one: a report that was passed on encloses what was first. */
export function returnedIn(message: ReadMessage): ReturnedMessage | null {
  const part = message.parts.findLast(holdsReturned)
  if (part === undefined) return null
  const { fields } = readFields(part.text.replace(/^\n+/, ''))
  return fields.size === 0 ? null : { fields }
}

/** Values of a returned field that many write in angle brackets, without them. */
export function bareValues({ fields }: ReturnedMessage, name: string): readonly string[] {
  return (fields.get(name) ?? []).map((value) => value.replace(/^<|>$/g, '').trim())
}
