import { createHmac, timingSafeEqual } from 'node:crypto'
import { type SyntaxFault, syntaxFault } from '../fault.ts'
import type { Domain } from '../names/domain.ts'
import { crockfordDigits, timeOfId } from '../names/time-ordered-id.ts'
import type { Secret } from '../secret.ts'

/**
 * What a return-path address of ours says: which message went out, and to which of its recipients. It is a local part of lower-case
 * letters and digits that mean the same in capitals, since mail systems on the way back may change the case of it.
 *
 *     16 message id | 1 age step | 3 recipient | 20 of the HMAC-SHA-256 over all that and the domain (100 bits)
 */
export type ReturnToken = {
  /** The decision id of the message. */
  readonly message: string
  /** Position in the envelope, from 0; null when the transaction carried several and the address stands for all of them. */
  readonly recipient: number | null
}

const dayMs = 86_400_000

/** The address of a message stays the same for this long, which is longer than a destination is tried: greylisting keeps knowing it. */
const stepMs = 5 * dayMs
const mostSteps = 31

/** Reports that come later than this after the end of the step are not believed. */
const lifetimeMs = 14 * dayMs

const wholeMessage = 32 ** 3 - 1
const macDigits = 20
const shape = /^[0-9a-hjkmnp-tv-z]{40}$/

/** Changes when the encoding does, so that a MAC never means two things. */
const context = 'anechoic return path 1'

/** The local part for a message that goes out at `now` (milliseconds since the epoch). A recipient beyond 32,766 is not told apart. */
export function returnLocalPart(key: Secret<Buffer>, token: ReturnToken, domain: Domain, now: number): string {
  const age = Math.max(0, now - timeOfId(token.message))
  const step = Math.min(mostSteps, Math.floor(age / stepMs))
  const recipient = Math.min(token.recipient ?? wholeMessage, wholeMessage)
  const said = `${token.message}${crockfordDigits[step]}${base32(recipient, 3)}`
  return `${said}${macOf(key, said, domain)}`
}

/** Whether a local part could be one of ours at all: what is not is no forgery but another address. */
export function looksReturned(localPart: string): boolean {
  return shape.test(localPart.toLowerCase())
}

/** Reads a local part back, whatever its case; a fault when the MAC is not ours for this domain, or it has expired at `now`. */
export function readReturnLocalPart(
  key: Secret<Buffer>,
  localPart: string,
  domain: Domain,
  now: number,
): ReturnToken | SyntaxFault {
  const text = localPart.toLowerCase()
  if (!shape.test(text)) return syntaxFault('it is no return-path token')
  const said = text.slice(0, -macDigits)
  const expected = Buffer.from(macOf(key, said, domain))
  if (!timingSafeEqual(expected, Buffer.from(text.slice(-macDigits)))) return syntaxFault('the MAC is not ours')
  const message = said.slice(0, 16)
  const step = crockfordDigits.indexOf(said[16] ?? '')
  if (now > timeOfId(message) + (step + 1) * stepMs + lifetimeMs) return syntaxFault('the token has expired')
  let recipient = 0
  for (const digit of said.slice(17)) recipient = recipient * 32 + crockfordDigits.indexOf(digit)
  return { message, recipient: recipient === wholeMessage ? null : recipient }
}

function macOf(key: Secret<Buffer>, said: string, domain: Domain): string {
  const mac = createHmac('sha256', key.reveal()).update(`${context}\0${domain}\0${said}`).digest()
  let text = ''
  let bits = 0
  let held = 0
  for (const octet of mac) {
    held = ((held << 8) | octet) & 0xfff
    bits += 8
    while (bits >= 5 && text.length < macDigits) {
      bits -= 5
      text += crockfordDigits[(held >> bits) & 31]
    }
  }
  return text
}

function base32(value: number, width: number): string {
  let rest = value
  let text = ''
  for (let place = 0; place < width; place++) {
    text = `${crockfordDigits[rest % 32]}${text}`
    rest = Math.floor(rest / 32)
  }
  return text
}
