import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DotStuffer, stuffDots } from './dot-stuffing.ts'

function wireOf(...chunks: string[]): string {
  return Buffer.concat([...stuffDots(chunks.map((chunk) => Buffer.from(chunk, 'latin1')))]).toString('latin1')
}

test('a dot at the start of any line is doubled, and only there', () => {
  expect(wireOf('.a\r\nb.c\r\n.\r\n..\r\n\r\n')).toBe('..a\r\nb.c\r\n..\r\n...\r\n\r\n.\r\n')
  expect(wireOf()).toBe('.\r\n')
})

test('the cut between chunks makes no difference', () => {
  const text = '.a\r\n.b\r\n\r\n..\r\n.\r\nx.\r\n'
  const whole = wireOf(text)
  for (let cut = 0; cut <= text.length; cut++) expect(wireOf(text.slice(0, cut), text.slice(cut))).toBe(whole)
  expect(wireOf(...text.split(''))).toBe(whole)
})

test('a chunk without leading dots is passed on, not copied', () => {
  const chunk = Buffer.from('a\r\nb\r\n')
  expect(new DotStuffer().push(chunk)).toBe(chunk)
})

test.each([
  ['a\nb\r\n'],
  ['a\rb\r\n'],
  ['a\u0000b\r\n'],
  ['a\r\r\n'],
  ['\n'],
  ['a'],
  ['a\r'],
  ['a\r\n\r'],
  ['\r', 'x\r\n'],
  ['a', '\n'],
])('what would break the next hop is never written: %j %j', (...chunks) => {
  expect(() => wireOf(...chunks)).toThrow('line discipline')
})

test('random text either throws or holds CRLF.CRLF at its end only, and unstuffs to what went in', () => {
  const piece = fc.constantFrom('.', '\r\n', 'a', '..', '\r\n.', '\r', '\n')
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('')),
        { maxLength: 6 },
      ),
      (chunks) => {
        const text = chunks.join('')
        const isClean = !/\r(?!\n)|(?<!\r)\n/.test(text) && (text === '' || text.endsWith('\r\n'))
        if (!isClean) {
          expect(() => wireOf(...chunks)).toThrow('line discipline')
          return
        }
        const wire = `\r\n${wireOf(...chunks)}`
        expect(wire.indexOf('\r\n.\r\n')).toBe(wire.length - 5)
        expect(wire.slice(2, -3).replace(/(^|\r\n)\.(?=.)/g, '$1')).toBe(text)
      },
    ),
    { numRuns: 1000 },
  )
})
