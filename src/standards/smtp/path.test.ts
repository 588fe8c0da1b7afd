import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatMailbox } from '../names/mailbox.ts'
import { isAddressLiteral, readPath } from './path.ts'

function mailbox(text: string): string | null {
  const read = readPath(text, 0)
  if (isSyntaxFault(read) || read.path.kind !== 'mailbox' || read.end !== text.length) return null
  return formatMailbox(read.path.mailbox)
}

test.each([
  ['<a@b.example>', 'a@b.example'],
  ['<a.b+c=d@B.Example>', 'a.b+c=d@b.example'],
  ["<A!#$%&'*+-/=?^_`{|}~@b.example>", "A!#$%&'*+-/=?^_`{|}~@b.example"],
  ['<"a b"@c.example>', '"a b"@c.example'],
  ['<"a\\"\\\\>@b"@c.example>', '"a\\"\\\\>@b"@c.example'],
  ['<"plain"@c.example>', 'plain@c.example'],
  ['<""@c.example>', '""@c.example'],
  ['<@one.example,@two.example:a@b.example>', 'a@b.example'],
  ['<user@testserver>', 'user@testserver'],
  ['<postmaster@b.example>', 'postmaster@b.example'],
  ['<\u00fc@b\u00fccher.example>', '\u00fc@xn--bcher-kva.example'],
])('%s is %s', (text, formatted) => {
  expect(mailbox(text)).toBe(formatted)
})

test.each([
  'a@b.example',
  '<a@b.example',
  '<a>',
  '<@b.example>',
  '<a@>',
  '<a..b@c.example>',
  '<.a@c.example>',
  '<a.@c.example>',
  '<a b@c.example>',
  '<a@b@c.example>',
  '<a@b c.example>',
  '<a@b..example>',
  '<a@-b.example>',
  '<a@b.example,c@d.example>',
  '<a@b.example;x>',
  '<"a@c.example>',
  '<"a"b@c.example>',
  '<a"b"@c.example>',
  '<"a\u0001"@c.example>',
  '<a\u0001@c.example>',
  '<(x)a@c.example>',
  '<@one.example a@b.example>',
  '<a@[1.2.3]>',
  '<a@[300.2.3.4]>',
  '<a@[IPv6:1.2.3.4]>',
  '<a@xn--zzzzzzz-.example>',
  `<${'a'.repeat(250)}@b.example>`,
])('%s is not a path', (text) => {
  expect(isSyntaxFault(readPath(text, 0))).toBe(true)
})

test('the null path, postmaster and literals are outcomes of their own', () => {
  expect(readPath('<>', 0)).toEqual({ path: { kind: 'null' }, end: 2 })
  expect(readPath('<PostMaster> X', 0)).toEqual({ path: { kind: 'postmaster' }, end: 12 })
  expect(readPath('<a@[192.0.2.1]>', 0)).toEqual({ path: { kind: 'literal', localPart: 'a' }, end: 15 })
  for (const literal of ['[192.0.2.1]', '[IPv6:2001:db8::1]', '[ipv6:::ffff:192.0.2.1]', '[tag:text]']) {
    expect(isAddressLiteral(literal)).toBe(true)
  }
  for (const text of ['[]', '[1]', '192.0.2.1', '[192.0.2.1', '[tag:te]xt]']) expect(isAddressLiteral(text)).toBe(false)
})

test('only names beyond ASCII need SMTPUTF8', () => {
  const international = (text: string): unknown => {
    const read = readPath(text, 0)
    return isSyntaxFault(read) || read.path.kind !== 'mailbox' ? null : read.path.international
  }
  expect(international('<a@xn--bcher-kva.example>')).toBe(false)
  expect(international('<a@b\u00fccher.example>')).toBe(true)
  expect(international('<\u00fc@b.example>')).toBe(true)
})

test('every mailbox we write is read back as itself', () => {
  const local = fc.string({ unit: fc.constantFrom(...'ab.@"\\ <>()\u00fc+'.split('')), minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(local, (localPart) => {
      const read = readPath('<a@b.example>', 0)
      if (isSyntaxFault(read) || read.path.kind !== 'mailbox') throw new Error('unreachable')
      const written = formatMailbox({ localPart, domain: read.path.mailbox.domain })
      expect(readPath(`<${written}>`, 0)).toMatchObject({ path: { mailbox: { localPart } }, end: written.length + 2 })
    }),
    { numRuns: 500 },
  )
})

test('hostile text is read in linear time', () => {
  const started = performance.now()
  for (const text of [
    '<@a,'.repeat(3000),
    `<${'a.'.repeat(6000)}`,
    `<"${'\\"'.repeat(6000)}`,
    `<${'@a,'.repeat(4000)}:`,
  ]) {
    expect(isSyntaxFault(readPath(text, 0))).toBe(true)
  }
  expect(performance.now() - started).toBeLessThan(200)
})
