import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseDomain } from '../names/domain.ts'
import type { Mailbox } from '../names/mailbox.ts'
import { unfold } from './header-section.ts'

/**
 * The grammar of mailboxes that we are ready to sign for: RFC 5322 §3.4 without its obs- forms, and narrower where two readers of one
 * field could see two mailboxes. Taken: `addr-spec`, `<addr-spec>` and `display-name <addr-spec>`; a `.` in an unquoted display name,
 * which RFC 5322 §4.1 calls obsolete but everyone writes; one comment behind a bare address, if nothing in it could be taken for an
 * address. Refused: every other comment, blanks inside an addr-spec, routes, groups, domain literals, lines of blanks only.
 * Encoded words (RFC 2047) are atoms here: what they decode to is for the eye.
 */
export type MailboxGrammar = {
  /** Whether octets above 127 may stand here at all (RFC 6532). */
  readonly smtputf8: boolean
}

type Read<T> = { readonly value: T; readonly end: number }

// Visible, and no C1 control, line separator, replacement character or lone surrogate: those draw differently everywhere.
const international = String.raw`\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffc\u{10000}-\u{10ffff}`
const atext = String.raw`A-Za-z0-9!#$%&'*+\-/=?^_${'`'}{|}~`
const dotAtom = new RegExp(`[${atext}${international}]+(?:\\.[${atext}${international}]+)*`, 'uy')
const phraseAtoms = new RegExp(`[${atext}.${international}]+`, 'uy')
const quotedText = new RegExp(`[ \\t!#-\\[\\]-~${international}]+`, 'uy')
const quotedPair = new RegExp(`\\\\([ \\t!-~${international}])`, 'uy')
const domainText = /[A-Za-z0-9._\-\u0080-\u{10ffff}]+/uy
const blanks = /[ \t]+/y
// ctext (RFC 5322 §3.2.2) without what could make a reader see an address in it.
const harmlessComment = new RegExp(`\\([^@<>,:;\\\\()\\x00-\\x08\\x0a-\\x1f\\x7f]*\\)`, 'uy')
const invisible = /(?! )[\p{C}\p{Z}]/u
const blankLine = /\r\n[ \t]*(?:\r\n|$)/
const control = /[\x00-\x08\x0a-\x1f\x7f]/

/** Reads exactly one mailbox. `raw` is the field value as it stands, with its folding but without the final CRLF. */
export function parseMailbox(raw: string, grammar: MailboxGrammar): Mailbox | SyntaxFault {
  const list = parseMailboxList(raw, grammar)
  if (isSyntaxFault(list)) return list
  const [only, second] = list
  if (only === undefined) return syntaxFault('the field is empty')
  return second === undefined ? only : syntaxFault('there are several mailboxes')
}

/** Reads one mailbox or several with commas between them (RFC 5322 §3.4 `mailbox-list`); no group, no empty element. */
export function parseMailboxList(raw: string, grammar: MailboxGrammar): readonly Mailbox[] | SyntaxFault {
  if (blankLine.test(raw)) return syntaxFault('the field has a line of blanks only')
  const text = unfold(raw)
  if (control.test(text)) return syntaxFault('the field has a control character')
  if (!grammar.smtputf8 && /[^\0-\x7f]/.test(text))
    return syntaxFault('the field has an octet above 127 without SMTPUTF8')
  const mailboxes: Mailbox[] = []
  for (let at = 0; ; at++) {
    const one = readMailbox(text, skipBlanks(text, at))
    if (isSyntaxFault(one)) return one
    mailboxes.push(one.value)
    at = skipBlanks(text, one.end)
    if (at === text.length) return mailboxes
    if (text[at] !== ',') return syntaxFault(unexpected(text[at]), at)
  }
}

function readMailbox(text: string, from: number): Read<Mailbox> | SyntaxFault {
  if (from === text.length) return syntaxFault('a mailbox is missing', from)
  const local = readLocalPart(text, from)
  if (local !== null && text[local.end] === '@') {
    const bare = readDomain(text, local)
    if (isSyntaxFault(bare)) return bare
    const comment = endOf(harmlessComment, text, skipBlanks(text, bare.end))
    return comment === null ? bare : { value: bare.value, end: comment }
  }
  const open = skipPhrase(text, from)
  if (typeof open !== 'number') return open
  const inner = readLocalPart(text, open + 1)
  if (inner === null) return syntaxFault('there is no address between < and >', open + 1)
  if (text[inner.end] !== '@')
    return syntaxFault('the address between < and > has no domain or a malformed local part', inner.end)
  const spec = readDomain(text, inner)
  if (isSyntaxFault(spec)) return spec
  if (text[spec.end] !== '>') return syntaxFault('the address between < and > is malformed', spec.end)
  return { value: spec.value, end: spec.end + 1 }
}

/** A dot-atom or a quoted string; null when neither starts here or the quoted string does not end. */
function readLocalPart(text: string, from: number): Read<string> | null {
  if (text[from] === '"') return readQuotedString(text, from)
  const end = endOf(dotAtom, text, from)
  return end === null ? null : { value: text.slice(from, end), end }
}

/** The domain behind the `@` at which `local` ends. A name only: a literal names no owner. */
function readDomain(text: string, local: Read<string>): Read<Mailbox> | SyntaxFault {
  const from = local.end + 1
  if (text[from] === '[') return syntaxFault('the domain is an address literal', from)
  if (invisible.test(local.value)) return syntaxFault('the local part has an invisible character', from)
  const end = endOf(domainText, text, from)
  if (end === null) return syntaxFault('the domain is missing', from)
  const name = text.slice(from, end)
  if (name.endsWith('.')) return syntaxFault('the domain ends in a dot', end)
  const domain = parseDomain(name)
  return isSyntaxFault(domain) ? domain : { value: { localPart: local.value, domain }, end }
}

/** Passes over a display name, which may be absent, to the `<` that must follow. */
function skipPhrase(text: string, from: number): number | SyntaxFault {
  if (text[from] === '.') return syntaxFault('the display name starts with a dot', from)
  for (let at = from; at < text.length;) {
    if (text[at] === '<') return at
    const next = text[at] === '"' ? (readQuotedString(text, at)?.end ?? null) : endOf(phraseAtoms, text, at)
    if (next === null && text[at] === '"') return syntaxFault('a quoted string does not end', at)
    if (next === null) return syntaxFault(unexpected(text[at]), at)
    at = skipBlanks(text, next)
  }
  return syntaxFault('there is no address', text.length)
}

function readQuotedString(text: string, from: number): Read<string> | null {
  let value = ''
  for (let at = from + 1; at < text.length;) {
    if (text[at] === '"') return { value, end: at + 1 }
    const end = endOf(quotedText, text, at)
    if (end !== null) {
      value += text.slice(at, end)
      at = end
      continue
    }
    quotedPair.lastIndex = at
    const pair = quotedPair.exec(text)
    if (pair === null) return null
    value += pair[1] ?? ''
    at = quotedPair.lastIndex
  }
  return null
}

function skipBlanks(text: string, at: number): number {
  return endOf(blanks, text, at) ?? at
}

function endOf(sticky: RegExp, text: string, at: number): number | null {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : null
}

function unexpected(character: string | undefined): string {
  switch (character) {
    case undefined:
      return 'there is no address'
    case ',':
      return 'there is a comma outside a quoted string'
    case ':':
    case ';':
      return 'there is a group, or a colon or semicolon outside a quoted string'
    case '(':
    case ')':
      return 'there is a comment where none is allowed'
    case '@':
      return 'there is an @ where none is allowed'
    case '<':
    case '>':
      return 'there are more angle brackets than one pair'
    default:
      return 'there is a character where none is allowed'
  }
}
