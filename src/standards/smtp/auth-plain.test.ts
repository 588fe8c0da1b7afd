import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { Secret } from '../secret.ts'
import { parsePlainResponse } from './auth-plain.ts'

function parse(message: string): ReturnType<typeof parsePlainResponse> {
  return parsePlainResponse(new Secret(Buffer.from(message).toString('base64')))
}

test('the three parts of PLAIN', () => {
  for (const message of ['\0crm@acme\0p\u00e4ss w\u00f6rd', 'crm@acme\0crm@acme\0p\u00e4ss w\u00f6rd']) {
    const read = parse(message)
    if (isSyntaxFault(read)) throw new Error(read.reason)
    expect(read.username).toBe('crm@acme')
    expect(read.password.reveal()).toBe('p\u00e4ss w\u00f6rd')
    expect(JSON.stringify(read)).not.toContain('ss w')
  }
})

test.each(['', 'a', 'a\0b', '\0\0b', '\0a\0', 'other\0a\0b', '\0a\0b\0', `\0${'a'.repeat(256)}\0b`])(
  '%j is a fault',
  (message) => {
    expect(isSyntaxFault(parse(message))).toBe(true)
  },
)

test.each(['=', '*', 'not base64', 'AGEAYg', 'AGEAYg===', '/w==', 'AGH/AGI='])('%s is a fault', (response) => {
  expect(isSyntaxFault(parsePlainResponse(new Secret(response)))).toBe(true)
})

test('any text is read or is a fault', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      const read = parsePlainResponse(new Secret(text))
      expect(isSyntaxFault(read) || read.username.length > 0).toBe(true)
    }),
    { numRuns: 500 },
  )
})
