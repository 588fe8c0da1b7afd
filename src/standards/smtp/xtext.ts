import { type SyntaxFault, syntaxFault } from '../fault.ts'

const grammar = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads xtext (RFC 3461 §4): `+HH` is an octet, in upper case as the RFC writes it. Octets above 127 must be UTF-8. */
export function decodeXtext(text: string): string | SyntaxFault {
  if (!grammar.test(text)) return syntaxFault('not xtext')
  if (!text.includes('+')) return text
  const octets = text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    return utf8.decode(Buffer.from(octets, 'latin1'))
  } catch {
    return syntaxFault('the xtext encodes no valid UTF-8')
  }
}

/** Writes text as xtext (RFC 3461 §4), non-ASCII as the octets of its UTF-8. */
export function encodeXtext(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^!-*,-<>-~]/g, (octet) => `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
