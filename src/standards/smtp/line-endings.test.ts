import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findLineEndingFault } from './line-endings.ts'

test.each([
  ['a\r\nb\r\n', -1],
  ['a\r', -1],
  ['a\rb', 2],
  ['a\r\r\n', 2],
  ['\n', 0],
  ['a\n', 1],
  ['a\r\n\n', 3],
  ['a\u0000', 1],
  ['\r\u0000', 1],
  ['tab\tand\u000bothers\u0001', -1],
])('%j breaks at %j', (text, at) => {
  expect(findLineEndingFault(Buffer.from(text, 'latin1'), 0, text.length, false)).toBe(at)
})

test('a CR before the range is remembered', () => {
  expect(findLineEndingFault(Buffer.from('\nx'), 0, 2, true)).toBe(-1)
  expect(findLineEndingFault(Buffer.from('x'), 0, 1, true)).toBe(0)
  expect(findLineEndingFault(Buffer.from('\r\n'), 0, 2, true)).toBe(0)
})

test('it agrees with the regular expression that says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\r', '\n', '\u0000', 'a', '.', '\r\n'), maxLength: 30 }), (text) => {
      const fault = findLineEndingFault(Buffer.from(text, 'latin1'), 0, text.length, false)
      expect(fault !== -1).toBe(/\r(?!\n|$)|(?<!\r)\n|\u0000/.test(text))
    }),
    { numRuns: 1000 },
  )
})

test('a long range breaks where it does when it is looked at in short pieces, wherever it lies in memory', () => {
  const unit = fc.constantFrom('\r\n', '\r\n', '\r\n', 'a'.repeat(40), 'b\u00ff\u0080c', '\t.', '\r', '\n', '\u0000')
  const lengths = { minLength: 64, maxLength: 200 }
  fc.assert(
    fc.property(
      fc.string({ unit, ...lengths }),
      fc.nat(7),
      fc.nat(200),
      fc.boolean(),
      (text, offset, lead, afterCr) => {
        const whole = Buffer.from(`${'x'.repeat(offset)}${'y\r\n'.repeat(lead)}${text}`, 'latin1')
        const bytes = whole.subarray(offset)
        let expected = -1
        let pending = afterCr
        for (let at = 0; at < bytes.length && expected === -1; at += 16) {
          const to = Math.min(at + 16, bytes.length)
          expected = findLineEndingFault(bytes, at, to, pending)
          pending = bytes[to - 1] === 0x0d
        }
        expect(findLineEndingFault(bytes, 0, bytes.length, afterCr)).toBe(expected)
      },
    ),
    { numRuns: 500 },
  )
})
