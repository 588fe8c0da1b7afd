import { type ReplyClass, replyPatterns } from './reply-patterns.ts'

/** A refusal as a server said it: with 421 450 5xx, the enhanced status code where there is one, and its words. */
export type Refusal = { readonly code: number | null; readonly enhanced: string | null; readonly text: string }

/**
 * Sorts a refusal: by its enhanced status code where that tells something (RFC 3463, RFC 7372 and what the large receivers made of it),
 * else by its words, else by the subject of the code alone.
 */
export function classOfReply({ code, enhanced, text }: Refusal): ReplyClass {
  const [, subject = '', detail = ''] = /^[245]\.(\d{1,3})\.(\d{1,3})$/.exec(enhanced ?? '') ?? []
  return byDetail[`${subject}.${detail}`] ?? byWords(text) ?? bySubject[subject] ?? byCode(code)
}

/** Codes that are used for one thing. Those that are used for anything (x.0.0, x.1.0, x.2.0, x.5.0, x.7.0, x.7.1) are not here. */
const byDetail: { readonly [status: string]: ReplyClass } = {
  '1.1': 'recipient',
  '1.2': 'domain',
  '1.3': 'recipient',
  '1.4': 'recipient',
  '1.6': 'recipient',
  '1.7': 'auth',
  '1.8': 'auth',
  '1.10': 'domain', // RFC 7505
  '1.351': 'recipient', // Exchange Online, of whoever it passed the message on to
  '2.1': 'inactive',
  '2.2': 'full',
  '2.3': 'content',
  '2.4': 'recipient',
  '3.1': 'full',
  '3.2': 'network',
  '3.3': 'protocol',
  '3.4': 'content',
  '3.5': 'network',
  '4.2': 'network',
  '4.3': 'network',
  '4.4': 'domain',
  '4.5': 'rate',
  '4.6': 'network',
  '4.7': 'network',
  '4.312': 'domain', // Exchange Online: DNS
  '4.316': 'network', // Exchange Online: connection refused
  '5.2': 'protocol',
  '5.3': 'rate',
  '5.4': 'protocol',
  '5.6': 'protocol',
  '7.8': 'auth',
  '7.9': 'auth',
  '7.13': 'inactive', // RFC 5248
  '7.17': 'recipient', // RFC 7293
  '7.18': 'domain', // RFC 7293
  '7.20': 'auth', // RFC 7372
  '7.21': 'auth',
  '7.22': 'auth',
  '7.23': 'auth',
  '7.24': 'auth',
  '7.25': 'auth',
  '7.26': 'auth',
  '7.27': 'auth',
  '7.28': 'rate', // RFC 8601 registers it for a flood
  '7.29': 'auth', // RFC 8617
  '7.30': 'protocol', // RFC 8689
  '7.509': 'auth', // Exchange Online: DMARC
  '7.511': 'reputation', // Exchange Online: banned sender
  '7.515': 'auth', // Outlook: bulk senders' duties
  '7.750': 'rate',
}

/** What a subject means where neither its detail nor the words say more (RFC 3463 §3). */
const bySubject: { readonly [subject: string]: ReplyClass } = {
  '1': 'recipient',
  '3': 'network',
  '4': 'network',
  '5': 'protocol',
  '6': 'content',
  '7': 'policy',
}

function byWords(text: string): ReplyClass | null {
  const words = text.slice(0, mostCharacters).toLowerCase()
  return replyPatterns.find(({ pattern }) => pattern.test(words))?.class ?? null
}

/** Patterns look no further: what a reply is about stands at its beginning. */
const mostCharacters = 1000

function byCode(code: number | null): ReplyClass {
  switch (code) {
    case 421:
      return 'network'
    case 452:
    case 552:
      return 'full'
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
    case 555:
      return 'protocol'
    default:
      return 'unclear'
  }
}
