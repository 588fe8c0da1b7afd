import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import {
  type HeaderSection,
  fieldsNamed,
  fieldValue,
  hasEightBit,
  rawFieldValue,
  scanHeaderSection,
  trimBlanks,
} from './header-section.ts'

const scan = (text: string): HeaderSection => {
  const section = scanHeaderSection(Buffer.from(text, 'latin1'))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return section
}
const faultOf = (text: string, limits?: { maxBytes: number; maxFields: number }): string => {
  const section = scanHeaderSection(Buffer.from(text, 'latin1'), limits)
  return isSyntaxFault(section) ? section.reason : 'no fault'
}

describe('scanHeaderSection', () => {
  it('cuts a section into fields whose offsets cover every octet', () => {
    const section = scan('From: a@example.org\r\nSubject: one\r\n two\r\n\tthree\r\nX-Empty:\r\n')
    expect(section.fields.map((field) => field.name)).toEqual(['from', 'subject', 'x-empty'])
    expect(section.fields.map((field) => field.malformed)).toEqual([null, null, null])
    expect(section.fields[0]?.start).toBe(0)
    expect(section.fields.at(-1)?.end).toBe(section.bytes.length)
    for (const [at, field] of section.fields.entries())
      expect(section.fields[at + 1]?.start ?? field.end).toBe(field.end)
    expect(section.fields.map((field) => fieldValue(section, field))).toEqual(['a@example.org', 'one two\tthree', ''])
  })

  it('keeps the raw value as it stands', () => {
    const section = scan('Subject: one\r\n two \r\n')
    const [field] = section.fields
    expect(field && rawFieldValue(section, field).toString()).toBe(' one\r\n two ')
  })

  it('finds all fields of a name whatever their case', () => {
    const section = scan('X-OriginatorOrg: a\r\nx-originatororg: b\r\nOther: c\r\n')
    expect(fieldsNamed(section, 'x-originatororg')).toHaveLength(2)
  })

  it('takes a value with colons and an encoded-word name as they are', () => {
    const section = scan('=?utf-8?q?From?=: a:b:c\r\n')
    expect(section.fields[0]).toMatchObject({ name: '=?utf-8?q?from?=', malformed: null })
  })

  it.each([
    ['From : a\r\n', 'from', 'the field name has a blank before the colon'],
    ['From\t: a\r\n', 'from', 'the field name has a blank before the colon'],
    ['From\r\n : a\r\n', 'from', 'the field name has a blank before the colon'],
    ['Fr om: a\r\n', 'from', 'the field name has a blank inside'],
    ['X-Originator\r\n Org: a\r\n', 'x-originatororg', 'the field name has a blank inside'],
    ['Fr\0om: a\r\n', 'fr\0om', 'the field name has a control character'],
    ['From\x7f: a\r\n', 'from\x7f', 'the field name has a control character'],
    ['From\x01 : a\r\n', 'from\x01', 'the field name has a control character'],
    ['Fr\xf6m: a\r\n', 'fr\xf6m', 'the field name has an octet above 127'],
    ['\xef\xbb\xbfFrom: a\r\n', '\xef\xbb\xbffrom', 'the field name has an octet above 127'],
    [': a\r\n', '', 'the field name is empty'],
    ['no colon here\r\n', 'nocolonhere', 'the line is no header field: it has no colon'],
    ['From MAILER-DAEMON\r\n', 'frommailer-daemon', 'the line is no header field: it has no colon'],
  ])('reports the name of %j', (text, name, malformed) => {
    const section = scan(`${text}To: b@example.org\r\n`)
    expect(section.fields.map((field) => field.name)).toEqual([name, 'to'])
    expect(section.fields[0]?.malformed).toBe(malformed)
  })

  it.each([
    ['', 'there is no header section'],
    [' From: a\r\n', 'the header section starts with a continuation line'],
    ['From: a', 'the header section does not end in CRLF'],
    ['From: a\r\nTo: b', 'the header section does not end in CRLF'],
    ['From: a\nTo: b\r\n', 'the header section has a bare CR or LF'],
    ['From: a\rTo: b\r\n', 'the header section has a bare CR or LF'],
    ['From: a\r\r\n', 'the header section has a bare CR or LF'],
    ['\n', 'the header section has a bare CR or LF'],
    ['\r\n', 'the header section has an empty line'],
    ['From: a\r\n\r\nbody\r\n', 'the header section has an empty line'],
  ])('refuses %j', (text, reason) => {
    expect(faultOf(text)).toBe(reason)
  })

  it('holds to its limits', () => {
    expect(faultOf('A: 1\r\nB: 2\r\n', { maxBytes: 12, maxFields: 2 })).toBe('no fault')
    expect(faultOf('A: 1\r\nB: 2\r\n', { maxBytes: 11, maxFields: 2 })).toBe(
      'the header section is longer than 11 octets',
    )
    expect(faultOf('A: 1\r\nB: 2\r\n', { maxBytes: 12, maxFields: 1 })).toBe(
      'the header section has more than 1 fields',
    )
  })

  it('reads UTF-8 values and marks what is none', () => {
    const section = scan(`Subject: ${Buffer.from('Gr\u00fc\u00dfe').toString('latin1')} \xff\r\n`)
    const [field] = section.fields
    expect(field && fieldValue(section, field)).toBe('Gr\u00fc\u00dfe \ufffd')
    expect(hasEightBit(section.bytes)).toBe(true)
    expect(hasEightBit(Buffer.from('plain'))).toBe(false)
  })

  it('answers or faults on any octets, and then its fields cover the section', () => {
    const piece = fc.constantFrom(
      'From',
      ':',
      ' ',
      '\t',
      '\r\n',
      '\r',
      '\n',
      '\0',
      'x',
      '\xff',
      '=?utf-8?q?a?=',
      '<a@b>',
      '"',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1')
        const section = scanHeaderSection(bytes)
        if (isSyntaxFault(section)) return
        expect(Buffer.concat(section.fields.map((field) => bytes.subarray(field.start, field.end))).equals(bytes)).toBe(
          true,
        )
        for (const field of section.fields) {
          expect(field.start).toBeLessThanOrEqual(field.nameEnd)
          expect(field.nameEnd).toBeLessThanOrEqual(field.valueStart)
          expect(field.valueStart).toBeLessThan(field.end)
          if (field.malformed === null) expect(field.name).toMatch(/^[!-9;-~]+$/)
          expect(fieldValue(section, field)).not.toContain('\r')
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['one long line without a colon', Buffer.alloc(262_142, 120)],
    ['nothing but blanks to fold', Buffer.concat([Buffer.from('A:'), Buffer.alloc(262_140, 32)])],
    ['folded lines', Buffer.from(`A:${'\r\n x'.repeat(65_000)}`)],
  ])('takes time in proportion to %s', (_, bytes) => {
    const section = Buffer.concat([bytes, Buffer.from('\r\n')])
    const began = performance.now()
    const scanned = scanHeaderSection(section)
    if (!isSyntaxFault(scanned)) for (const field of scanned.fields) fieldValue(scanned, field)
    expect(performance.now() - began).toBeLessThan(250)
  })
})

describe('trimBlanks', () => {
  it('takes off SP and TAB only', () => {
    expect(trimBlanks(' \t a\u00a0 ')).toBe('a\u00a0')
    expect(trimBlanks(' \t ')).toBe('')
  })
})
