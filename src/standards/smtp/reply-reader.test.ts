import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatReply } from './format-reply.ts'
import { ReplyReader, parseReplyLine } from './reply-reader.ts'
import { type Reply, reply } from './reply.ts'

function readAll(wire: Buffer, cuts: readonly number[] = []): Reply[] {
  const reader = new ReplyReader()
  const replies: Reply[] = []
  let from = 0
  for (const cut of [...cuts, wire.length]) {
    const some = reader.push(wire.subarray(from, cut))
    if (isSyntaxFault(some)) throw new Error(some.reason)
    replies.push(...some)
    from = cut
  }
  expect(reader.isMidReply).toBe(false)
  return replies
}

test('pipelined replies come out in order, wherever the stream is cut', () => {
  const wire = Buffer.from(
    '250-relay.example\r\n250-SIZE 100\r\n250 DSN\r\n250 2.1.0 ok\r\n550-5.7.1 no\r\n550 5.7.1 never\r\n',
  )
  const whole = readAll(wire)
  expect(whole).toEqual([
    { code: 250, enhanced: null, lines: ['relay.example', 'SIZE 100', 'DSN'] },
    { code: 250, enhanced: '2.1.0', lines: ['ok'] },
    { code: 550, enhanced: '5.7.1', lines: ['no', 'never'] },
  ])
  for (let cut = 1; cut < wire.length; cut++) expect(readAll(wire, [cut])).toEqual(whole)
  expect(
    readAll(
      wire,
      Array.from({ length: wire.length - 1 }, (_, index) => index + 1),
    ),
  ).toEqual(whole)
})

test('an enhanced code of another class, or a number that only looks like one, stays text', () => {
  expect(parseReplyLine('250 5.7.1 odd')).toEqual({ code: 250, last: true, enhanced: null, text: '5.7.1 odd' })
  expect(parseReplyLine('550 5.7.1.2 odd')).toEqual({ code: 550, last: true, enhanced: null, text: '5.7.1.2 odd' })
  expect(parseReplyLine('250')).toEqual({ code: 250, last: true, enhanced: null, text: '' })
})

test('what is no reply is a fault, and the reader stays faulty', () => {
  for (const wire of [
    'hello\r\n',
    '199 x\r\n',
    '25\r\n',
    '250-a\r\n550 b\r\n',
    '2500 x\r\n',
    `250 ${'x'.repeat(5000)}`,
    '250-x\r\n'.repeat(600),
  ]) {
    const reader = new ReplyReader()
    expect(isSyntaxFault(reader.push(Buffer.from(wire)))).toBe(true)
    expect(isSyntaxFault(reader.push(Buffer.from('250 ok\r\n')))).toBe(true)
  }
})

test('a server that ends lines with LF alone is understood', () => {
  expect(readAll(Buffer.from('220 old\n'))).toEqual([{ code: 220, enhanced: null, lines: ['old'] }])
})

test('what we format we read back', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abc 019-.[]()'.split('')), maxLength: 60 })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (lines) => {
      expect(readAll(Buffer.from(formatReply(reply(451, '4.7.0', ...lines))))).toEqual([
        { code: 451, enhanced: '4.7.0', lines },
      ])
    }),
    { numRuns: 200 },
  )
})

test('any bytes are replies or a fault, never a throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      const reader = new ReplyReader()
      for (const chunk of chunks) {
        const some = reader.push(Buffer.from(chunk))
        expect(Array.isArray(some) || isSyntaxFault(some)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
