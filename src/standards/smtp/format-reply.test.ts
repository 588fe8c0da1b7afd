import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapePeerText, formatReply } from './format-reply.ts'
import { reply } from './reply.ts'

test('the enhanced status code stands on every line of a multi-line reply', () => {
  expect(formatReply(reply(550, '5.7.1', 'one', 'two'))).toBe('550-5.7.1 one\r\n550 5.7.1 two\r\n')
})

test('a reply without an enhanced code, and one without text, are still replies', () => {
  expect(formatReply(reply(354, null, 'go on'))).toBe('354 go on\r\n')
  expect(formatReply(reply(250, null))).toBe('250 \r\n')
})

test('a line ending in the text of a peer does not become a line ending of ours', () => {
  expect(formatReply(reply(550, '5.1.1', 'no such \r\n250 ok \u00e9'))).toBe(
    '550 5.1.1 no such \\u{d}\\u{a}250 ok \\u{e9}\r\n',
  )
})

test('whatever the text, each line is ASCII and at most 510 octets before its CRLF', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 1200 }), { maxLength: 4 }), (lines) => {
      const wire = formatReply(reply(451, '4.3.0', ...lines))
      const out = wire.split('\r\n')
      expect(out.pop()).toBe('')
      expect(out.length).toBe(Math.max(1, lines.length))
      for (const line of out) expect(line).toMatch(/^451[ -]4\.3\.0 [\x20-\x7e]{0,500}$/)
    }),
    { numRuns: 200 },
  )
})

test('text is cut only where it exceeds the limit', () => {
  expect(escapePeerText('abcdef', 6)).toBe('abcdef')
  expect(escapePeerText('abcdefg', 6)).toBe('abc...')
})
