import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type IpAddress, bitsOf, parseIp } from '../names/ip.ts'
import { type MacroString, parseMacroString } from './macro.ts'

export type Qualifier = 'pass' | 'fail' | 'softfail' | 'neutral'

/** A name to look up; null: the domain whose record it is. */
export type Target = MacroString | null

export type Prefixes = { readonly four: number; readonly six: number }

export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly target: MacroString }
  | { readonly kind: 'a' | 'mx'; readonly target: Target; readonly prefixes: Prefixes }
  | { readonly kind: 'ptr'; readonly target: Target }
  | { readonly kind: 'ip4' | 'ip6'; readonly block: IpBlock }

/** `family` tells how it was written: an IPv4-mapped `ip6` is canonical IPv4 text, and still matches no IPv4 client. */
export type IpBlock = { readonly address: IpAddress; readonly prefix: number; readonly family: 4 | 6 }

export type Directive = { readonly qualifier: Qualifier; readonly mechanism: Mechanism }

/** An SPF record (RFC 7208 §12), read whole: a fault anywhere in it is a fault of it all (§4.6). */
export type SpfRecord = {
  readonly directives: readonly Directive[]
  readonly redirect: MacroString | null
  readonly explanation: MacroString | null
}

/** Records longer than this are refused before they are read; ten times what RFC 7208 §3.4 calls too long for DNS. */
const maxLength = 8192

const termName = /^([+\-~?]?)([A-Za-z][A-Za-z0-9\-_.]*)/

/** Whether a TXT record is an SPF record at all (RFC 7208 §4.5). */
export function isSpfRecord(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text)
}

/** Reads a record that `isSpfRecord` knows. */
export function parseSpfRecord(text: string): SpfRecord | SyntaxFault {
  if (text.length > maxLength) return syntaxFault('the record is too long')
  const directives: Directive[] = []
  const modifiers = new Map<string, MacroString>()
  for (const term of text.slice('v=spf1'.length).split(' ')) {
    if (term === '') continue
    const [start, sign = '', name = ''] = termName.exec(term) ?? []
    if (start === undefined) return syntaxFault('a term has no name')
    const rest = term.slice(start.length)
    if (rest.startsWith('=')) {
      const fault = sign === '' ? readModifier(name.toLowerCase(), rest.slice(1), modifiers) : signedModifier
      if (fault !== null) return fault
      continue
    }
    const mechanism = readMechanism(name.toLowerCase(), rest)
    if (isSyntaxFault(mechanism)) return mechanism
    directives.push({ qualifier: qualifierOf(sign), mechanism })
  }
  return {
    directives,
    redirect: modifiers.get('redirect') ?? null,
    explanation: modifiers.get('exp') ?? null,
  }
}

const signedModifier = syntaxFault('a modifier has a qualifier')

function qualifierOf(sign: string): Qualifier {
  switch (sign) {
    case '-':
      return 'fail'
    case '~':
      return 'softfail'
    case '?':
      return 'neutral'
    default:
      return 'pass'
  }
}

/** A modifier that is not known is read for its syntax and forgotten (RFC 7208 §6). */
function readModifier(name: string, value: string, modifiers: Map<string, MacroString>): SyntaxFault | null {
  if (name !== 'redirect' && name !== 'exp') {
    const ignored = parseMacroString(value, false)
    return isSyntaxFault(ignored) ? ignored : null
  }
  if (modifiers.has(name)) return syntaxFault('a modifier stands twice')
  const target = readDomainSpec(value)
  if (isSyntaxFault(target)) return target
  modifiers.set(name, target)
  return null
}

function readMechanism(name: string, rest: string): Mechanism | SyntaxFault {
  switch (name) {
    case 'all':
      return rest === '' ? { kind: 'all' } : syntaxFault('all has an argument')
    case 'include':
    case 'exists': {
      const target = rest.startsWith(':') ? readDomainSpec(rest.slice(1)) : syntaxFault('a domain is missing')
      return isSyntaxFault(target) ? target : { kind: name, target }
    }
    case 'a':
    case 'mx':
      return readHosts(name, rest)
    case 'ptr': {
      const target = readTarget(rest)
      return isSyntaxFault(target) ? target : { kind: 'ptr', target }
    }
    case 'ip4':
    case 'ip6': {
      const block = rest.startsWith(':') ? readBlock(name, rest.slice(1)) : syntaxFault('an address is missing')
      return isSyntaxFault(block) ? block : { kind: name, block }
    }
    default:
      return syntaxFault('a mechanism is not known')
  }
}

const dualPrefix = /(?:\/([0-9]{1,3}))?(?:\/\/([0-9]{1,3}))?$/

function readHosts(kind: 'a' | 'mx', rest: string): Mechanism | SyntaxFault {
  const [suffix = '', four, six] = dualPrefix.exec(rest) ?? []
  const target = readTarget(rest.slice(0, rest.length - suffix.length))
  if (isSyntaxFault(target)) return target
  const prefixes = { four: readPrefix(four, 32), six: readPrefix(six, 128) }
  if (Number.isNaN(prefixes.four) || Number.isNaN(prefixes.six)) return syntaxFault('a prefix length is malformed')
  return { kind, target, prefixes }
}

function readTarget(rest: string): Target | SyntaxFault {
  if (rest === '') return null
  return rest.startsWith(':') ? readDomainSpec(rest.slice(1)) : syntaxFault('a mechanism has a malformed argument')
}

/** NaN when it is malformed or out of range; without one the whole address counts. */
function readPrefix(digits: string | undefined, width: 32 | 128): number {
  if (digits === undefined) return width
  const prefix = Number(digits)
  return /^(?:0|[1-9][0-9]*)$/.test(digits) && prefix <= width ? prefix : Number.NaN
}

function readBlock(kind: 'ip4' | 'ip6', text: string): IpBlock | SyntaxFault {
  const slash = text.indexOf('/')
  const literal = slash === -1 ? text : text.slice(0, slash)
  const isSix = literal.includes(':')
  const address = parseIp(literal)
  if (isSyntaxFault(address)) return address
  if (isSix !== (kind === 'ip6') || (!isSix && bitsOf(address) !== 32))
    return syntaxFault('the address is of another family')
  const prefix = readPrefix(slash === -1 ? undefined : text.slice(slash + 1), isSix ? 128 : 32)
  return Number.isNaN(prefix) ? syntaxFault('a prefix length is malformed') : { address, prefix, family: isSix ? 6 : 4 }
}

const endsInTopLabel = /\.([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)\.?$/

/** RFC 7208 §7.1 domain-spec: it ends in a macro, or in a dot and a top-level label that is not all digits. */
function readDomainSpec(text: string): MacroString | SyntaxFault {
  const parts = parseMacroString(text, false)
  if (isSyntaxFault(parts)) return parts
  const last = parts.at(-1)
  if (last === undefined) return syntaxFault('a domain is empty')
  if (typeof last !== 'string') return parts
  // %-, %_ and %% count as macros here, but stand in the last literal when it is put together: look at the text.
  if (/%[%_-]$/.test(text)) return parts
  const label = endsInTopLabel.exec(last)?.[1]
  return label === undefined || /^[0-9]+$/.test(label) ? syntaxFault('a domain has no top-level label') : parts
}
