import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** Tags and their values in the order in which they stand. */
export type TagList = ReadonlyMap<string, string>

/** Longer lists than this are not read. */
const maxLength = 65_536

const tagName = /^[A-Za-z][A-Za-z0-9_]*$/
const allowed = /^[\x20-\x7e\t\r\n]*$/

/**
 * Reads a tag list (RFC 6376 §3.2) in the order in which it stands. White space around names and values is not part of them;
 * inside a value it stays. A tag that occurs twice is a fault, as is an octet outside printable ASCII.
 */
export function parseTagList(text: string): TagList | SyntaxFault {
  if (text.length > maxLength) return syntaxFault('the tag list is too long')
  if (!allowed.test(text)) return syntaxFault('a tag list has an octet that it may not have')
  const tags = new Map<string, string>()
  const specs = text.split(';')
  if (trimFws(specs.at(-1) ?? '') === '') specs.pop()
  for (const spec of specs) {
    const equals = spec.indexOf('=')
    if (equals === -1) return syntaxFault('a tag has no value')
    const name = trimFws(spec.slice(0, equals))
    const value = trimFws(spec.slice(equals + 1))
    if (!tagName.test(name)) return syntaxFault('a tag name is malformed')
    if (tags.has(name)) return syntaxFault('a tag occurs twice')
    tags.set(name, value)
  }
  return tags
}

/** Where the value of a tag stands in the text, from behind the `=` to the `;` or the end, white space included; null without such a tag. */
export function valueOfTag(text: string, name: string): { readonly from: number; readonly to: number } | null {
  let start = 0
  while (start < text.length) {
    const semicolon = text.indexOf(';', start)
    const end = semicolon === -1 ? text.length : semicolon
    const spec = text.slice(start, end)
    const equals = spec.indexOf('=')
    if (equals !== -1 && trimFws(spec.slice(0, equals)) === name) return { from: start + equals + 1, to: end }
    start = end + 1
  }
  return null
}

/** Decodes base64 in which folding white space may stand anywhere (RFC 6376 §2.10); padding is required where it is due. */
export function parseTagBase64(value: string): Buffer | SyntaxFault {
  const dense = withoutFws(value)
  if (dense.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(dense)) return syntaxFault('a value is not base64')
  return Buffer.from(dense, 'base64')
}

export function withoutFws(value: string): string {
  return value.replace(/[ \t\r\n]+/g, '')
}

function trimFws(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isFws(text.charCodeAt(from))) from++
  while (to > from && isFws(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isFws(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}
