import { z } from 'zod'
import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import { parseDomain } from '../names/domain.ts'
import { parseIp } from '../names/ip.ts'
import { parseDuration } from './duration.ts'

/** A text field that a parser of ours reads: its fault becomes the problem, its value the output. */
export function parsed<T>(parse: (text: string) => T | SyntaxFault) {
  return z.string().transform((text, context): T => {
    const value = parse(text)
    if (!isSyntaxFault(value)) return value
    context.issues.push({ code: 'custom', input: text, message: value.reason })
    return z.NEVER
  })
}

/** A domain name, written in Unicode or in A-labels; the output is in A-labels. */
export const domainField = parsed(parseDomain)

export const ipField = parsed(parseIp)

/** A person's address: only what may be shown, logged and mailed to without quoting. */
export const emailField = z
  .string()
  .max(254, 'is longer than 254 characters')
  .regex(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, 'is not an e-mail address')

export const positiveInteger = z.int().positive('must be 1 or more')

/** `100ms`, `60s`, `15m`, `4h` or `5d`; the output is in milliseconds. */
export const durationField = parsed(parseDuration)
