import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** What `_mta-sts.<domain>` says: a policy is there, and under which name of its version (RFC 8461 §3.1). */
export type MtaStsRecord = { readonly id: string }

const longestRecord = 1024
const field = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)$/

/**
 * Reads all TXT records at the name. null: the domain has no policy, which it also says with two records or none that is a version 1
 * record.
 */
export function parseMtaStsRecords(texts: readonly string[]): MtaStsRecord | SyntaxFault | null {
  const ours = texts.filter((text) => /^v=STSv1[ \t]*;/.test(text))
  const [text, second] = ours
  if (text === undefined || second !== undefined) return null
  if (text.length > longestRecord) return syntaxFault('the record is too long')
  const parts = text.split(';').map((one) => one.trim())
  if (parts.at(-1) === '') parts.pop()
  let id: string | null = null
  for (const part of parts.slice(1)) {
    const [, name, value = ''] = field.exec(part) ?? []
    if (name === undefined) return syntaxFault('the record holds something that is no field')
    if (name !== 'id') continue
    if (id !== null) return syntaxFault('the record has id twice')
    if (!/^[A-Za-z0-9]{1,32}$/.test(value)) return syntaxFault('the id of the record is not 1 to 32 letters and digits')
    id = value
  }
  return id === null ? syntaxFault('the record has no id') : { id }
}
