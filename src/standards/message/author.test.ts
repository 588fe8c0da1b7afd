import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatMailbox } from '../names/mailbox.ts'
import { readAuthor } from './author.ts'
import { scanHeaderSection } from './header-section.ts'
import { parseMailboxList } from './mailbox-list.ts'

/** The author of a header section in text, `fault: …` when there is none. */
function author(header: string, smtputf8 = false): string {
  const section = scanHeaderSection(Buffer.from(`${header}\r\n`))
  if (isSyntaxFault(section)) return `fault: ${section.reason}`
  const mailbox = readAuthor(section, { smtputf8 })
  return isSyntaxFault(mailbox) ? `fault: ${mailbox.reason}` : formatMailbox(mailbox)
}

const bob = 'bob@acme.example'

describe('readAuthor takes', () => {
  it.each([
    ['From: bob@acme.example', bob],
    ['from:bob@acme.example', bob],
    ['FROM:   bob@Acme.Example  ', bob],
    ['From:\r\n bob@acme.example', bob],
    ['From: <bob@acme.example>', bob],
    ['From: Bob <bob@acme.example>', bob],
    ['From: Bob<bob@acme.example>', bob],
    ['From: Bob\r\n <bob@acme.example>', bob],
    ['From: "Bob" <bob@acme.example>', bob],
    ['From: "Bob"<bob@acme.example>', bob],
    ['From: "" <bob@acme.example>', bob],
    ['From: J. R. "Bob" Dobbs Jr. <bob@acme.example>', bob],
    ['From: St.John Smith <bob@acme.example>', bob],
    ['From: "Dobbs, Bob" <bob@acme.example>', bob],
    ['From: "ceo@brand.example" <bob@acme.example>', bob],
    ['From: "CEO <ceo@brand.example>" <bob@acme.example>', bob],
    ['From: "a \\"quoted\\" name" <bob@acme.example>', bob],
    ['From: "back\\\\slash" <bob@acme.example>', bob],
    ['From: =?utf-8?B?PGNlb0BicmFuZC5leGFtcGxlPg==?= <bob@acme.example>', bob],
    ['From: =?utf-8?Q?Bob_=40_home?= <bob@acme.example>', bob],
    ['From: =?utf-8?Q?one?=\r\n =?utf-8?Q?two?= <bob@acme.example>', bob],
    ['From: bob@acme.example (Bob Dobbs)', bob],
    ['From: bob@acme.example(Bob)', bob],
    ['From: bob@acme.example ()', bob],
    ['From: bob@acme.example (Bob "the" Builder.)', bob],
    ['From: bob+tag@acme.example', 'bob+tag@acme.example'],
    ['From: first.last@acme.example', 'first.last@acme.example'],
    ["From: o'brien=x@acme.example", "o'brien=x@acme.example"],
    ['From: "bob dobbs"@acme.example', '"bob dobbs"@acme.example'],
    ['From: "bob"@acme.example', bob],
    ['From: "x@evil.example"@acme.example', '"x@evil.example"@acme.example'],
    ['From: Bob <"bob"@acme.example>', bob],
    ['From: bob@xn--bcher-kva.example', 'bob@xn--bcher-kva.example'],
    ['From: bob@acme.example\r\nSubject: From: eve@evil.example', bob],
  ])('%j', (header, wanted) => {
    expect(author(header)).toBe(wanted)
  })

  it.each([
    ['From: Bj\u00f6rn <bob@acme.example>', bob],
    ['From: "Bj\u00f6rn, B." <bob@acme.example>', bob],
    ['From: j\u00fcrgen@b\u00fccher.example', 'j\u00fcrgen@xn--bcher-kva.example'],
    ['From: bob@B\u00dcCHER.example', 'bob@xn--bcher-kva.example'],
    ['From: bob@acme.example (Bj\u00f6rn)', bob],
  ])('%j with SMTPUTF8 only', (header, wanted) => {
    expect(author(header, true)).toBe(wanted)
    expect(author(header, false)).toBe('fault: From: the field has an octet above 127 without SMTPUTF8')
  })
})

describe('readAuthor refuses', () => {
  it.each([
    // How many From fields, and how many mailboxes in one.
    'To: bob@acme.example',
    'From: bob@acme.example\r\nFrom: bob@acme.example',
    'From: bob@acme.example\r\nTo: a@b.example\r\nfrom: eve@evil.example',
    'From: bob@acme.example\r\nFrom : eve@evil.example',
    'From: bob@acme.example\r\nFrom\r\n : eve@evil.example',
    'From: bob@acme.example, eve@evil.example',
    'From: <bob@acme.example>, <eve@evil.example>',
    'From: <bob@acme.example> <eve@evil.example>',
    'From: <bob@acme.example><eve@evil.example>',
    'From: bob@acme.example eve@evil.example',
    'From: bob@acme.example <eve@evil.example>',
    'From: <eve@evil.example> bob@acme.example',
    'From: bob@acme.example,',
    'From: ,bob@acme.example',
    'From: , ,bob@acme.example',
    'From: bob@acme.example;eve@evil.example',
    'From: Doe, Bob <bob@acme.example>',
    // Nothing there.
    'From:',
    'From: ',
    'From: <>',
    'From: Bob',
    'From: Bob <>',
    'From: bob',
    'From: @acme.example',
    'From: <@acme.example>',
    'From: bob@',
    'From: <bob@>',
    'From: bob@@acme.example',
    'From: bob@eve@acme.example',
    'From: <bob@eve@acme.example>',
    // Groups and routes.
    'From: group: bob@acme.example;',
    'From: group:;',
    'From: undisclosed-recipients:;',
    'From: <@evil.example:bob@acme.example>',
    'From: <@evil.example,@b.example:bob@acme.example>',
    'From: @evil.example:bob@acme.example',
    // Comments where readers differ.
    'From: (eve@evil.example) bob@acme.example',
    'From: (Eve) bob@acme.example',
    'From: bob(comment)@acme.example',
    'From: bob@(comment)acme.example',
    'From: bob@acme.example (eve@evil.example)',
    'From: bob@acme.example (<eve@evil>)',
    'From: bob@acme.example (a,b)',
    'From: bob@acme.example (a:b)',
    'From: bob@acme.example (a;b)',
    'From: bob@acme.example (nested (comment))',
    'From: bob@acme.example (a\\)b)',
    'From: bob@acme.example (one) (two)',
    'From: bob@acme.example (open',
    'From: Bob (the builder) <bob@acme.example>',
    'From: Bob <bob@acme.example> (the builder)',
    'From: Bob <(x)bob@acme.example>',
    'From: <bob@acme.example(x)>',
    // Blanks and line breaks inside the address.
    'From: bob @acme.example',
    'From: bob@ acme.example',
    'From: bob@acme .example',
    'From: bob@acme. example',
    'From: < bob@acme.example>',
    'From: <bob@acme.example >',
    'From: bob\r\n @acme.example',
    'From: bob@acme.example\r\n ',
    'From: Bob\r\n \r\n <bob@acme.example>',
    // Dots, literals, odd domains.
    'From: .bob@acme.example',
    'From: bob.@acme.example',
    'From: b..b@acme.example',
    'From: bob@acme..example',
    'From: bob@.acme.example',
    'From: bob@acme.example.',
    'From: bob@[192.0.2.1]',
    'From: bob@[IPv6:2001:db8::1]',
    'From: bob@192.0.2.1',
    'From: bob@-acme.example',
    'From: bob@xn--a.example',
    'From: .Bob <bob@acme.example>',
    // Quotes and angles that do not close, or close too often.
    'From: "Bob <bob@acme.example>',
    'From: Bob" <bob@acme.example>',
    'From: "Bob" "<bob@acme.example>',
    'From: <bob@acme.example',
    'From: bob@acme.example>',
    'From: <<bob@acme.example>>',
    'From: <bob@acme.example>>',
    'From: Bob <Bob <bob@acme.example>>',
    'From: "bob"x@acme.example',
    'From: bob."dobbs"@acme.example',
    'From: "bob"."dobbs"@acme.example',
    'From: "bob\tdobbs"@acme.example',
    'From: bob\\@evil.example@acme.example',
    'From: Bob \\<eve@evil.example> <bob@acme.example>',
    'From: [Bob] <bob@acme.example>',
    // Encoded words hide no address, and are none.
    'From: =?utf-8?Q?=62ob@acme.example?=',
    'From: =?utf-8?B?Ym9iQGFjbWUuZXhhbXBsZQ==?=',
    'From: =?utf-8?Q?Bob, Inc?= <bob@acme.example>',
    'From: <=?utf-8?Q?bob?=@acme.example, eve@evil.example>',
    'From: bob@=?utf-8?Q?acme.example?=',
    // Controls and odd octets.
    'From: bob\0@acme.example',
    'From: Bob\0 <bob@acme.example>',
    'From: "B\x01ob" <bob@acme.example>',
    'From: bob@acme.example\x7f',
    'From: bob@acme.example\x0b',
    'From: mailto:bob@acme.example',
  ])('%j', (header) => {
    expect(author(header)).toMatch(/^fault: /)
  })

  it.each([
    'From: bob@acme.example\u2028eve@evil.example',
    'From: B\u0085b <bob@acme.example>',
    'From: b\u200bob@acme.example',
    'From: bob@acme\u200b..example',
    'From: bob@acme.example\uff0ceve@evil.example',
    'From: bob\uff20acme.example',
    'From: bob@evil.example\u3002acme.example',
    'From: \ufffd <bob@acme.example>',
  ])('%j, with SMTPUTF8 too, or reads it as another domain', (header) => {
    const read = author(header, true)
    expect(read.startsWith('fault: ') || read === 'bob@evil.example.acme.example').toBe(true)
  })

  it('octets that are no UTF-8', () => {
    const section = scanHeaderSection(Buffer.from('From: B\xf6b <bob@acme.example>\r\n', 'latin1'))
    if (isSyntaxFault(section)) throw new Error(section.reason)
    expect(isSyntaxFault(readAuthor(section, { smtputf8: true }))).toBe(true)
  })
})

describe('parseMailboxList', () => {
  it('reads several', () => {
    const list = parseMailboxList('Bob <bob@acme.example>,\r\n "x" <eve@evil.example> , c@d.example', {
      smtputf8: false,
    })
    expect(isSyntaxFault(list) ? list : list.map(formatMailbox)).toEqual([bob, 'eve@evil.example', 'c@d.example'])
  })

  it('answers or faults on any text, and what it answers has no more than one @ outside quotes', () => {
    const piece = fc.constantFrom(
      'bob',
      '@',
      'acme.example',
      'evil.example',
      '<',
      '>',
      '"',
      '(',
      ')',
      ',',
      ';',
      ':',
      ' ',
      '\t',
      '\r\n ',
      '\\',
      '.',
      '=?utf-8?q?x?=',
      '\0',
      '\u00fc',
      '\ud800',
      '[',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), fc.boolean(), (pieces, smtputf8) => {
        const text = pieces.join('')
        const list = parseMailboxList(text, { smtputf8 })
        if (isSyntaxFault(list)) return
        expect(list.length).toBeGreaterThan(0)
        const unquoted = text.replace(/"(?:[^"\\]|\\.)*"/gs, '').replace(/\([^()]*\)/g, '')
        expect(unquoted.split('@').length - 1).toBe(list.length)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['(', 200_000],
    ['"\\', 100_000],
    ['a.', 100_000],
    ['a ', 100_000],
    ['a@b.c,', 40_000],
    ['\r\n ', 80_000],
    ['=?a?q?', 40_000],
    ['<', 200_000],
  ])('takes time in proportion to %j repeated', (text, times) => {
    const began = performance.now()
    parseMailboxList(text.repeat(times), { smtputf8: true })
    expect(performance.now() - began).toBeLessThan(500)
  })
})
