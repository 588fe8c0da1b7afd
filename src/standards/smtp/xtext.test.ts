import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { decodeXtext, encodeXtext } from './xtext.ts'

describe('xtext', () => {
  it('decodes what RFC 3461 gives as examples of encoding', () => {
    expect(decodeXtext('Bob+2Bwork+3Dhome@Example.com')).toBe('Bob+work=home@Example.com')
    expect(decodeXtext('d+C3+B6rte')).toBe('d\u00f6rte')
  })

  it.each(['a b', 'a=b', 'a+', 'a+2', 'a+2b', 'a+GG', '\u00e9', 'a\r\n'])('faults on %j', (text) => {
    expect(isSyntaxFault(decodeXtext(text))).toBe(true)
  })

  it('gives back any text that it encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(encodeXtext(text)).toMatch(/^[\x21-\x7e]*$/)
        expect(decodeXtext(encodeXtext(text))).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})
