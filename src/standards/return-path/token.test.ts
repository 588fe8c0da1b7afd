import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import type { Domain } from '../names/domain.ts'
import { crockfordDigits } from '../names/time-ordered-id.ts'
import { Secret } from '../secret.ts'
import { looksReturned, readReturnLocalPart, returnLocalPart } from './token.ts'

const key = new Secret(Buffer.alloc(32, 7))
const other = new Secret(Buffer.alloc(32, 8))
const domain = 'bounce.acme.example' as Domain
const made = Date.UTC(2026, 10, 24)
const dayMs = 86_400_000

function idAt(at: number, tail = '0012345'): string {
  let text = ''
  for (let rest = at, place = 0; place < 9; place++, rest = Math.floor(rest / 32)) {
    text = `${crockfordDigits[rest % 32]}${text}`
  }
  return `${text}${tail}`
}

const message = idAt(made)

describe('a return-path token', () => {
  it('says its message and recipient again, in any case of letters, within 64 octets', () => {
    const index = fc.oneof(fc.integer({ min: 0, max: 32_766 }), fc.constant(null))
    fc.assert(
      fc.property(index, fc.boolean(), fc.integer({ min: 0, max: 18 }), (recipient, capitals, days) => {
        const local = returnLocalPart(key, { message, recipient }, domain, made)
        expect(local.length).toBe(40)
        expect(looksReturned(local)).toBe(true)
        const returned = capitals ? local.toUpperCase() : local
        expect(readReturnLocalPart(key, returned, domain, made + days * dayMs)).toEqual({ message, recipient })
      }),
    )
  })

  it('is nothing when any character of it is another, under another key, or at another domain', () => {
    const local = returnLocalPart(key, { message, recipient: 3 }, domain, made)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 39 }), fc.integer({ min: 1, max: 31 }), (at, by) => {
        const digit = crockfordDigits[(crockfordDigits.indexOf(local[at] ?? '') + by) % 32]
        const forged = `${local.slice(0, at)}${digit}${local.slice(at + 1)}`
        expect(isSyntaxFault(readReturnLocalPart(key, forged, domain, made))).toBe(true)
      }),
    )
    expect(isSyntaxFault(readReturnLocalPart(other, local, domain, made))).toBe(true)
    expect(isSyntaxFault(readReturnLocalPart(key, local, 'bounce.globex.example' as Domain, made))).toBe(true)
    expect(isSyntaxFault(readReturnLocalPart(key, `${local}0`, domain, made))).toBe(true)
  })

  it('stays the same while a destination is tried, and is good for two weeks after that', () => {
    const first = returnLocalPart(key, { message, recipient: 0 }, domain, made)
    expect(returnLocalPart(key, { message, recipient: 0 }, domain, made + 5 * dayMs - 1)).toBe(first)
    expect(isSyntaxFault(readReturnLocalPart(key, first, domain, made + 19 * dayMs))).toBe(false)
    expect(readReturnLocalPart(key, first, domain, made + 19 * dayMs + 1)).toMatchObject({
      reason: 'the token has expired',
    })
  })

  it('is young again for a message that was held for weeks', () => {
    const late = made + 40 * dayMs
    const local = returnLocalPart(key, { message, recipient: 0 }, domain, late)
    expect(readReturnLocalPart(key, local, domain, late + 14 * dayMs)).toEqual({ message, recipient: 0 })
  })
})
