import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { relaxedField } from './relaxed-header.ts'

function relaxed(field: string): string {
  return relaxedField(Buffer.from(field, 'latin1')).toString('latin1')
}

/** RFC 6376 §3.4.2 in its own words, for a field of whole lines. */
function inWords(field: string): string {
  const unfolded = field.replace(/\r\n(?=[ \t])/g, '').replace(/\r\n$/, '')
  const colon = unfolded.indexOf(':')
  const name = unfolded
    .slice(0, colon)
    .toLowerCase()
    .replace(/[ \t]+$/, '')
  const value = unfolded
    .slice(colon + 1)
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '')
  return `${name}:${value}`
}

describe('a field under relaxed canonicalisation', () => {
  it.each([
    ['A: X\r\n', 'a:X'],
    ['B : Y\t\r\n\tZ  \r\n', 'b:Y Z'],
    ['Subject:\r\n', 'subject:'],
    ['Subject: \t \r\n', 'subject:'],
    ['Subject:a\r\n  \r\n b\r\n', 'subject:a b'],
    ['X-Utf: g\xfcn  \xff\r\n', 'x-utf:g\xfcn \xff'],
    ['X:y', 'x:y'],
    ['X:a:b', 'x:a:b'],
    ['no colon', 'no colon:'],
  ])('%j', (field, canonical) => {
    expect(relaxed(field)).toBe(canonical)
  })

  it('is what RFC 6376 §3.4.2 says, and stays as it is when done again', () => {
    const value = fc
      .array(fc.constantFrom('a', 'B', ':', ' ', '\t', '\r\n ', '\r\n\t', '\xe9'), { maxLength: 30 })
      .map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(fc.constantFrom('From', 'X-y ', 'SUBJECT\t'), value, (name, text) => {
        const once = relaxed(`${name}:${text}\r\n`)
        expect(once).toBe(inWords(`${name}:${text}\r\n`))
        expect(relaxed(once)).toBe(once)
      }),
      { numRuns: 500 },
    )
  })
})
