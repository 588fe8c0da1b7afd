import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseDomain } from '../names/domain.ts'
import { parseIp } from '../names/ip.ts'
import type { Mailbox } from '../names/mailbox.ts'

/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets with its brackets. */
const maxPathOctets = 256

/** What stands between the angle brackets of MAIL or RCPT (RFC 5321 §4.1.2). */
export type Path =
  | { readonly kind: 'null' }
  /** `<postmaster>` without a domain, in any case (RFC 5321 §4.5.1). */
  | { readonly kind: 'postmaster' }
  /** `international`: it needs SMTPUTF8 (RFC 6531 §3.3). */
  | { readonly kind: 'mailbox'; readonly mailbox: Mailbox; readonly international: boolean }
  /** A mailbox at an address literal: valid, but no domain owns it. */
  | { readonly kind: 'literal'; readonly localPart: string }

/** A path and the offset behind its `>`. */
export type PathRead = { readonly path: Path; readonly end: number }

const atext = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+/uy
const qtext = /[ !#-[\]-~\u0080-\u{10ffff}]+/uy
const quotedPair = /\\([ -~])/y
// RFC 5321 §4.1.2 A-d-l. The names in a source route are dropped unread (appendix C), so their own grammar does not matter.
const sourceRoute = /@[^<>@\s,:"]+(?:,@[^<>@\s,:"]+)*:/y
const generalLiteral = /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/

/**
 * Reads a path that starts at `from` with `<`. A source route is accepted and dropped (RFC 5321 §3.6.1). The local part comes out unquoted.
 * Linear in the length of the text.
 */
export function readPath(text: string, from: number): PathRead | SyntaxFault {
  if (text[from] !== '<') return syntaxFault('a path stands between < and >', from)
  if (text[from + 1] === '>') return { path: { kind: 'null' }, end: from + 2 }
  const start = endOf(sourceRoute, text, from + 1) ?? from + 1
  const local = readLocalPart(text, start)
  if (isSyntaxFault(local)) return local
  if (text[local.end] === '>') {
    if (local.value.toLowerCase() !== 'postmaster') return syntaxFault('the address has no domain', local.end)
    return { path: { kind: 'postmaster' }, end: local.end + 1 }
  }
  if (text[local.end] !== '@') return syntaxFault('the local part is malformed', local.end)
  const end = text.indexOf('>', local.end)
  if (end === -1) return syntaxFault('the path does not end in >', local.end)
  if (octets(text.slice(from, end + 1)) > maxPathOctets) return syntaxFault('the path is longer than 256 octets', end)
  const path = pathOf(local.value, text.slice(local.end + 1, end))
  return isSyntaxFault(path) ? path : { path, end: end + 1 }
}

function pathOf(localPart: string, domainText: string): Path | SyntaxFault {
  if (domainText.startsWith('[')) {
    return isAddressLiteral(domainText)
      ? { kind: 'literal', localPart }
      : syntaxFault('the address literal is malformed')
  }
  const domain = parseDomain(domainText)
  if (isSyntaxFault(domain)) return domain
  return { kind: 'mailbox', mailbox: { localPart, domain }, international: !isAscii(localPart) || !isAscii(domainText) }
}

type Read = { readonly value: string; readonly end: number }

function readLocalPart(text: string, from: number): Read | SyntaxFault {
  return text[from] === '"' ? readQuotedString(text, from) : readDotString(text, from)
}

function readDotString(text: string, from: number): Read | SyntaxFault {
  for (let at = from; ; at++) {
    const end = endOf(atext, text, at)
    if (end === null) return syntaxFault('the local part is malformed', at)
    if (text[end] !== '.') return { value: text.slice(from, end), end }
    at = end
  }
}

function readQuotedString(text: string, from: number): Read | SyntaxFault {
  let value = ''
  for (let at = from + 1; at < text.length;) {
    if (text[at] === '"') return { value, end: at + 1 }
    const end = endOf(qtext, text, at)
    if (end !== null) {
      value += text.slice(at, end)
      at = end
      continue
    }
    quotedPair.lastIndex = at
    const pair = quotedPair.exec(text)
    if (pair === null) break
    value += pair[1] ?? ''
    at += 2
  }
  return syntaxFault('the quoted local part is malformed', from)
}

/** RFC 5321 §4.1.3, with its brackets. */
export function isAddressLiteral(text: string): boolean {
  if (!text.startsWith('[') || !text.endsWith(']')) return false
  const inner = text.slice(1, -1)
  if (/^IPv6:/i.test(inner)) return inner.includes(':', 5) && !isSyntaxFault(parseIp(inner.slice(5)))
  return !isSyntaxFault(parseIp(inner)) || generalLiteral.test(inner)
}

function endOf(sticky: RegExp, text: string, at: number): number | null {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : null
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

function octets(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
