import type { Notify } from './notify.ts'
import { type Reply, reply } from './reply.ts'
import { isSyntaxFault } from '../fault.ts'
import { decodeXtext } from './xtext.ts'

/** Parameters of MAIL. */
export type MailParameterValues = {
  /** SIZE in octets (RFC 1870). */
  readonly size: number | null
  readonly body: '7BIT' | '8BITMIME' | null
  readonly smtputf8: boolean
  /** REQUIRETLS (RFC 8689). */
  readonly requireTls?: true
  readonly ret: 'FULL' | 'HDRS' | null
  /** ENVID as given, in xtext (RFC 3461 §4.4). */
  readonly envid: string | null
  /** AUTH= decoded, or `<>` (RFC 4954 §5). */
  readonly auth: string | null
  /** XOORG= decoded from xtext. */
  readonly xoorg: string | null
}

/** Parameters of RCPT. */
export type RcptParameterValues = {
  readonly notify: Notify | null
  /** `addr-type;xtext` as given (RFC 3461 §4.2). */
  readonly orcpt: string | null
}

/** What the server offered: a parameter of an extension that it did not offer is unknown to it (RFC 5321 §4.1.1.11). */
export type Offer = {
  /** Whether the client said EHLO; after HELO there are no parameters. */
  readonly extended: boolean
  readonly xoorg: boolean
  readonly requireTls?: boolean
}

/** A command that could be read but not taken: what the peer hears. */
export type Refusal = { readonly refusal: Reply }

export function isRefusal(value: object): value is Refusal {
  return 'refusal' in value
}

const keyword = /^[A-Za-z0-9][A-Za-z0-9-]*$/
const visible = /^[^\0-\x20=\x7f]+$/
const maxParameters = 16
const maxEnvidOctets = 100 // RFC 3461 §4.4
const maxOrcptOctets = 500 // RFC 3461 §4.2

/** Reads what follows the path of MAIL: ` KEY=value KEY`. */
export function parseMailParameters(text: string, offer: Offer): MailParameterValues | Refusal {
  const given = split(text, offer)
  if (isRefusal(given)) return given
  let values: MailParameterValues = noMailParameters
  for (const [key, value] of given) {
    const next = mailParameter(values, key, value, offer)
    if (isRefusal(next)) return next
    values = next
  }
  return values
}

/** Reads what follows the path of RCPT. */
export function parseRcptParameters(text: string, offer: Offer): RcptParameterValues | Refusal {
  const given = split(text, offer)
  if (isRefusal(given)) return given
  let values: RcptParameterValues = noRcptParameters
  for (const [key, value] of given) {
    const next = rcptParameter(values, key, value)
    if (isRefusal(next)) return next
    values = next
  }
  return values
}

const noMailParameters: MailParameterValues = {
  size: null,
  body: null,
  smtputf8: false,
  ret: null,
  envid: null,
  auth: null,
  xoorg: null,
}
const noRcptParameters: RcptParameterValues = { notify: null, orcpt: null }
const noneGiven: ReadonlyMap<string, string | null> = new Map()

function split(text: string, offer: Offer): ReadonlyMap<string, string | null> | Refusal {
  const bare = text.trim()
  if (bare === '') return noneGiven
  if (text[0] !== ' ') return badValue('a space must follow the path')
  if (!offer.extended) return unknownParameter('parameters need EHLO')
  const given = new Map<string, string | null>()
  for (const part of bare.split(' ')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = equals === -1 ? part : part.slice(0, equals)
    const value = equals === -1 ? null : part.slice(equals + 1)
    if (!keyword.test(name) || (value !== null && !visible.test(value))) return badValue('malformed parameter')
    const key = name.toUpperCase()
    if (given.has(key)) return badValue('a parameter is given twice')
    given.set(key, value)
    if (given.size > maxParameters) return badValue('too many parameters')
  }
  return given
}

function mailParameter(
  values: MailParameterValues,
  key: string,
  value: string | null,
  offer: Offer,
): MailParameterValues | Refusal {
  switch (key) {
    case 'SIZE':
      // RFC 1870 §4: up to 20 digits; what exceeds every limit may as well be infinite.
      return value !== null && /^[0-9]{1,20}$/.test(value)
        ? { ...values, size: Number(value) }
        : badValue('SIZE takes a number')
    case 'BODY': {
      const body = value?.toUpperCase()
      return body === '7BIT' || body === '8BITMIME' ? { ...values, body } : badValue('BODY takes 7BIT or 8BITMIME')
    }
    case 'SMTPUTF8':
      return value === null ? { ...values, smtputf8: true } : badValue('SMTPUTF8 takes no value')
    case 'REQUIRETLS':
      if (offer.requireTls !== true) return unknownParameter('parameter not offered')
      return value === null ? { ...values, requireTls: true } : badValue('REQUIRETLS takes no value')
    case 'RET': {
      const ret = value?.toUpperCase()
      return ret === 'FULL' || ret === 'HDRS' ? { ...values, ret } : badValue('RET takes FULL or HDRS')
    }
    case 'ENVID':
      return value !== null && value.length <= maxEnvidOctets && !isSyntaxFault(decodeXtext(value))
        ? { ...values, envid: value }
        : badValue('ENVID takes at most 100 octets of xtext')
    case 'AUTH': {
      const auth = value === '<>' ? value : xtextValue(value)
      return auth === null ? badValue('AUTH takes xtext or <>') : { ...values, auth }
    }
    case 'XOORG': {
      if (!offer.xoorg) return unknownParameter('parameter not offered')
      const xoorg = xtextValue(value)
      return xoorg === null ? badValue('XOORG takes xtext') : { ...values, xoorg }
    }
    default:
      return unknownParameter('unknown parameter')
  }
}

function rcptParameter(values: RcptParameterValues, key: string, value: string | null): RcptParameterValues | Refusal {
  switch (key) {
    case 'NOTIFY': {
      const notify = value === null ? null : parseNotify(value)
      return notify === null
        ? badValue('NOTIFY takes NEVER, or a list of SUCCESS, FAILURE and DELAY')
        : { ...values, notify }
    }
    case 'ORCPT':
      return value !== null && isOrcpt(value) ? { ...values, orcpt: value } : badValue('ORCPT takes addr-type;xtext')
    default:
      return unknownParameter('unknown parameter')
  }
}

function parseNotify(value: string): Notify | null {
  const words = value.toUpperCase().split(',')
  if (words.length === 1 && words[0] === 'NEVER') return 'NEVER'
  const events: ('SUCCESS' | 'FAILURE' | 'DELAY')[] = []
  for (const word of words) {
    if (word !== 'SUCCESS' && word !== 'FAILURE' && word !== 'DELAY') return null
    if (events.includes(word)) return null
    events.push(word)
  }
  return events
}

/** RFC 3461 §4.2; `utf-8` addresses may hold plain UTF-8 in an SMTPUTF8 transaction (RFC 6533 §3), so their text is only bounded. */
function isOrcpt(value: string): boolean {
  const semicolon = value.indexOf(';')
  if (semicolon < 1 || semicolon === value.length - 1 || Buffer.byteLength(value) > maxOrcptOctets) return false
  const type = value.slice(0, semicolon)
  if (!keyword.test(type)) return false
  return type.toLowerCase() === 'utf-8' || !isSyntaxFault(decodeXtext(value.slice(semicolon + 1)))
}

/** The decoded value where it is xtext of something visible on one line, else null. */
function xtextValue(value: string | null): string | null {
  if (value === null || value === '') return null
  const decoded = decodeXtext(value)
  return isSyntaxFault(decoded) || /\p{Cc}/u.test(decoded) ? null : decoded
}

function badValue(why: string): Refusal {
  return { refusal: reply(501, '5.5.4', why) }
}

function unknownParameter(why: string): Refusal {
  return { refusal: reply(555, '5.5.4', why) }
}
