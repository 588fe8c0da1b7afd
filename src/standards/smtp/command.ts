import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import { Secret } from '../secret.ts'
import {
  type MailParameterValues,
  type Offer,
  type RcptParameterValues,
  type Refusal,
  isRefusal,
  parseMailParameters,
  parseRcptParameters,
} from './parameters.ts'
import { type Path, isAddressLiteral, readPath } from './path.ts'
import { reply } from './reply.ts'

/** One command of a client (RFC 5321 §4.1.1, RFC 3207 §4, RFC 4954 §4), with its argument parsed. */
export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly greeting: string }
  | {
      readonly verb: 'MAIL'
      readonly path: Exclude<Path, { kind: 'postmaster' }>
      readonly parameters: MailParameterValues
    }
  | {
      readonly verb: 'RCPT'
      readonly path: Exclude<Path, { kind: 'null' }>
      readonly parameters: RcptParameterValues
    }
  | {
      readonly verb: 'AUTH'
      /** In upper case. */
      readonly mechanism: string
      /** The initial response as sent, still base64; null when there is none. */
      readonly initial: Secret<string> | null
    }
  | { readonly verb: 'DATA' | 'RSET' | 'NOOP' | 'VRFY' | 'HELP' | 'QUIT' | 'STARTTLS' }
  /** Not offered, and what follows it may be data that must never be read as commands. */
  | { readonly verb: 'BDAT' }
  /** Another protocol speaks, such as a browser made to talk to us. */
  | { readonly verb: 'FOREIGN' }

export type Verb = Command['verb']

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const otherProtocols = new Set(['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT'])

/**
 * The longest line of a command, in octets with its CRLF: the 512 of RFC 5321 §4.5.3.1.4, more where an extension that we
 * offer adds to it (RFC 1870, 3461, 4954, 6152, 6531, 8689, and XOORG with a domain in xtext).
 */
export function maxCommandOctets(verb: string): number {
  switch (verb.toUpperCase()) {
    case 'MAIL':
      return 512 + 26 + 17 + 10 + 9 + 11 + 107 + 506 + 772
    case 'RCPT':
      return 512 + 29 + 507
    case 'AUTH':
      return maxAuthOctets
    default:
      return 512
  }
}

/** RFC 4954 §4: a base64 line of an authentication exchange. */
export const maxAuthOctets = 12_288

/** Reads one command line without its CRLF. Blanks at its end are tolerated (RFC 5321 §4.1.1). */
export function parseCommand(line: Buffer, offer: Offer): Command | Refusal {
  const decoded = decode(line)
  if (decoded === null) return refuse(500, '5.5.2', 'the command is not valid UTF-8')
  const text = trimBlanks(decoded)
  const space = text.indexOf(' ')
  const verb = (space === -1 ? text : text.slice(0, space)).toUpperCase()
  const argument = space === -1 ? '' : trimBlanks(text.slice(space + 1))
  switch (verb) {
    case 'EHLO':
    case 'HELO':
      return greetingCommand(verb, argument)
    case 'MAIL':
      return mailCommand(argument, offer)
    case 'RCPT':
      return rcptCommand(argument, offer)
    case 'AUTH':
      return authCommand(argument)
    case 'DATA':
    case 'RSET':
    case 'QUIT':
    case 'STARTTLS':
      return argument === '' ? { verb } : refuse(501, '5.5.4', `${verb} takes no argument`)
    case 'NOOP':
    case 'HELP':
    case 'BDAT':
      return { verb }
    case 'VRFY':
      return argument === '' ? refuse(501, '5.5.4', 'VRFY takes an address') : { verb }
    case 'EXPN':
    case 'TURN':
    case 'ETRN':
      return refuse(502, '5.5.1', 'command not implemented')
    default:
      return otherProtocols.has(verb) ? { verb: 'FOREIGN' } : refuse(500, '5.5.1', 'unknown command')
  }
}

/** The first word of a line, for choosing its length limit before it is all there. */
export function verbOf(line: Buffer): string {
  return /^[A-Za-z]{1,10}/.exec(line.toString('latin1', 0, 10))?.[0].toUpperCase() ?? ''
}

function decode(line: Buffer): string | null {
  try {
    return utf8.decode(line)
  } catch {
    return null
  }
}

/** Without the spaces and tabs at either end; not `trim`, which would take parts of UTF-8 addresses. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09
}

// What real clients call themselves: domains with underscores, single labels, bare addresses. It ends up in a Received
// field, so nothing that could be read as syntax there is taken.
const greetingWord = /^[A-Za-z0-9_.:-]{1,255}$/
const greetingLiteral = /^\[[A-Za-z0-9.:-]{1,255}\]$/

function greetingCommand(verb: 'EHLO' | 'HELO', argument: string): Command | Refusal {
  if (!greetingWord.test(argument) && !(greetingLiteral.test(argument) && isAddressLiteral(argument))) {
    return refuse(501, '5.5.4', `${verb} takes a domain or an address literal`)
  }
  return { verb, greeting: argument }
}

/** The path behind `FROM:` or `TO:`. A blank after the colon is common enough to be let through (RFC 5321 §3.3). */
function pathArgument(argument: string, keyword: 'FROM:' | 'TO:'): { path: Path; rest: string } | SyntaxFault | null {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return null
  const text = trimBlanks(argument.slice(keyword.length))
  const read = readPath(text, 0)
  return isSyntaxFault(read) ? read : { path: read.path, rest: text.slice(read.end) }
}

function mailCommand(argument: string, offer: Offer): Command | Refusal {
  const read = pathArgument(argument, 'FROM:')
  if (read === null) return refuse(501, '5.5.4', 'the syntax is MAIL FROM:<address>')
  if (isSyntaxFault(read)) return refuse(501, '5.1.7', read.reason)
  if (read.path.kind === 'postmaster') return refuse(501, '5.1.7', 'the address has no domain')
  const parameters = parseMailParameters(read.rest, offer)
  if (isRefusal(parameters)) return parameters
  if (read.path.kind === 'mailbox' && read.path.international && !parameters.smtputf8) {
    return refuse(553, '5.6.7', 'the address needs SMTPUTF8')
  }
  return { verb: 'MAIL', path: read.path, parameters }
}

function rcptCommand(argument: string, offer: Offer): Command | Refusal {
  const read = pathArgument(argument, 'TO:')
  if (read === null) return refuse(501, '5.5.4', 'the syntax is RCPT TO:<address>')
  if (isSyntaxFault(read)) return refuse(501, '5.1.3', read.reason)
  if (read.path.kind === 'null') return refuse(501, '5.1.3', 'a forward-path can not be empty')
  const parameters = parseRcptParameters(read.rest, offer)
  return isRefusal(parameters) ? parameters : { verb: 'RCPT', path: read.path, parameters }
}

function authCommand(argument: string): Command | Refusal {
  const space = argument.indexOf(' ')
  const mechanism = space === -1 ? argument : argument.slice(0, space)
  if (!/^[A-Za-z0-9_-]{1,20}$/.test(mechanism)) return refuse(501, '5.5.4', 'AUTH takes a mechanism')
  const initial = space === -1 ? null : new Secret(argument.slice(space + 1))
  return { verb: 'AUTH', mechanism: mechanism.toUpperCase(), initial }
}

function refuse(code: number, enhanced: string, text: string): Refusal {
  return { refusal: reply(code, enhanced, text) }
}
