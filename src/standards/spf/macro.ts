import ipaddr from 'ipaddr.js'
import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { type IpAddress, bitsOf } from '../names/ip.ts'

/** A string with macros (RFC 7208 §7.1), read: what stands as it is, and what is to be put in. */
export type MacroString = readonly (string | Macro)[]

export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h' | 'c' | 'r' | 't'

export type Macro = {
  readonly letter: MacroLetter
  /** Written as a capital letter: the value is URL-escaped. */
  readonly escaped: boolean
  /** How many parts on the right are kept; null: all. */
  readonly keep: number | null
  readonly reversed: boolean
  readonly delimiters: string
}

/** What macros stand for while one domain is checked. */
export type MacroValues = {
  readonly sender: { readonly localPart: string; readonly domain: string }
  /** The domain whose record is being evaluated, not the sender's. */
  readonly domain: string
  readonly ip: IpAddress
  readonly helo: string
  /** The validated name of the client for `%{p}`; `unknown` when there is none. */
  readonly clientName: string
  readonly receiver: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

const expand = /%(?:\{([slodipvhcrt])([0-9]*)(r?)([.\-+,/_=]*)\}|([%_-]))/iy
const onlyInExplanations = 'crt'

/**
 * Reads a macro string. `explanation` is the text behind `exp=`, in which blanks and the letters c, r and t may stand too
 * (RFC 7208 §7.2).
 */
export function parseMacroString(text: string, explanation: boolean): MacroString | SyntaxFault {
  const parts: (string | Macro)[] = []
  let literal = ''
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at)
    if (code !== 0x25) {
      if (code < 0x20 || code > 0x7e || (code === 0x20 && !explanation))
        return syntaxFault('a macro string has a character that it may not have', at)
      literal += text[at++]
      continue
    }
    expand.lastIndex = at
    const [whole, letter, digits = '', reverse = '', delimiters = '', special] = expand.exec(text) ?? []
    if (whole === undefined) return syntaxFault('a % starts no macro', at)
    at += whole.length
    if (letter === undefined) {
      literal += special === '%' ? '%' : special === '_' ? ' ' : '%20'
      continue
    }
    const macro = readMacro(letter, digits, reverse, delimiters)
    if (macro === null) return syntaxFault('a macro keeps no parts', at)
    if (!explanation && onlyInExplanations.includes(macro.letter))
      return syntaxFault('a macro letter is for explanations only', at)
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(macro)
  }
  if (literal !== '') parts.push(literal)
  return parts
}

function readMacro(letter: string, digits: string, reverse: string, delimiters: string): Macro | null {
  const lower = letter.toLowerCase()
  const keep = digits === '' ? null : Number(digits)
  if (keep === 0) return null
  return {
    letter: lower as MacroLetter,
    escaped: letter !== lower,
    keep,
    reversed: reverse !== '',
    delimiters: delimiters === '' ? '.' : delimiters,
  }
}

/** Whether the string needs the validated name of the client, which costs look-ups. */
export function usesClientName(text: MacroString): boolean {
  return text.some((part) => typeof part !== 'string' && part.letter === 'p')
}

export function expandMacros(text: MacroString, values: MacroValues): string {
  let expanded = ''
  for (const part of text) expanded += typeof part === 'string' ? part : valueOf(part, values)
  return expanded
}

/**
 * A macro string as a name to ask DNS for: without a trailing dot, and with whole labels taken off the left until it is no
 * longer than 253 octets (RFC 7208 §7.3).
 */
export function expandToName(text: MacroString, values: MacroValues): string {
  let name = expandMacros(text, values)
  if (name.endsWith('.')) name = name.slice(0, -1)
  while (name.length > 253) {
    const dot = name.indexOf('.')
    if (dot === -1) return name
    name = name.slice(dot + 1)
  }
  return name.toLowerCase()
}

function valueOf(macro: Macro, values: MacroValues): string {
  let value = letterValue(macro.letter, values)
  if (macro.keep !== null || macro.reversed || macro.delimiters !== '.') {
    const parts = splitAt(value, macro.delimiters)
    if (macro.reversed) parts.reverse()
    value = (macro.keep === null ? parts : parts.slice(-macro.keep)).join('.')
  }
  return macro.escaped ? urlEscaped(value) : value
}

function letterValue(letter: MacroLetter, values: MacroValues): string {
  switch (letter) {
    case 's':
      return `${values.sender.localPart}@${values.sender.domain}`
    case 'l':
      return values.sender.localPart
    case 'o':
      return values.sender.domain
    case 'd':
      return values.domain
    case 'i':
      return dotted(values.ip)
    case 'p':
      return values.clientName
    case 'v':
      return bitsOf(values.ip) === 32 ? 'in-addr' : 'ip6'
    case 'h':
      return values.helo
    case 'c':
      return values.ip
    case 'r':
      return values.receiver
    case 't':
      return String(Math.floor(values.now / 1000))
    default:
      return letter satisfies never
  }
}

/** IPv4 as it is, IPv6 as nibbles with dots between them (RFC 7208 §7.3). */
function dotted(ip: IpAddress): string {
  if (bitsOf(ip) === 32) return ip
  const octets = ipaddr.parse(ip).toByteArray()
  return Buffer.from(octets).toString('hex').toUpperCase().split('').join('.')
}

function splitAt(value: string, delimiters: string): string[] {
  const parts = ['']
  for (const character of value) {
    if (delimiters.includes(character)) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}

/** Escapes all but the unreserved characters of RFC 3986 §2.3. */
function urlEscaped(value: string): string {
  let escaped = ''
  for (const octet of Buffer.from(value, 'utf8')) {
    const character = String.fromCharCode(octet)
    escaped += /[A-Za-z0-9\-._~]/.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}
