import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { decodeEncodedWords } from './encoded-words.ts'
import { type HeaderSection, scanHeaderSection } from './header-section.ts'
import { parseReceived } from './received.ts'
import { isAutomatic, isReport, onlyValue } from './shape.ts'

const scan = (text: string): HeaderSection => {
  const section = scanHeaderSection(Buffer.from(text))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return section
}

describe('decodeEncodedWords', () => {
  it.each([
    ['plain', 'plain'],
    ['=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', 'Gr\u00fc\u00dfe'],
    ['=?UTF-8?B?R3LDvMOfZQ==?= an alle', 'Gr\u00fc\u00dfe an alle'],
    ['=?iso-8859-1?q?a=E4b_c?=', 'a\u00e4b c'],
    ['=?utf-8?q?one?= =?utf-8?q?two?=', 'onetwo'],
    ['=?utf-8?q?one?= two =?utf-8?q?three?= ', 'one two three '],
    ['=?utf-8*en?q?one?=', 'one'],
    ['=?no-such-charset?q?x?=', '=?no-such-charset?q?x?='],
    ['=?utf-8?x?y?=', '=?utf-8?x?y?='],
    ['=?utf-8?q?open', '=?utf-8?q?open'],
    ['=?utf-8?q?a=0D=0AX-Forged:_1?=', 'a  X-Forged: 1'],
    ['=?utf-8?B?/w==?=', '\ufffd'],
    ['', ''],
  ])('reads %j as %j', (text, wanted) => {
    expect(decodeEncodedWords(text, 200)).toBe(wanted)
  })

  it('keeps to its bound, and yields no control character, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('=', '?', 'q', 'b', 'utf-8', ' ', '\0', 'A', '_', '=0A'), maxLength: 300 }),
        (text) => {
          const decoded = decodeEncodedWords(text, 20)
          expect(decoded.length).toBeLessThanOrEqual(20)
          expect(/\p{Cc}/u.test(decoded)).toBe(false)
        },
      ),
    )
    const began = performance.now()
    decodeEncodedWords('=?'.repeat(100_000), 100_000)
    expect(performance.now() - began).toBeLessThan(500)
  })
})

describe('parseDateTime', () => {
  it.each([
    ['Thu, 23 Oct 2025 22:45:10 +0000', '2025-10-23T22:45:10.000Z'],
    ['Mon, 28 Feb 2022 01:04:21 +0100 (CET)', '2022-02-28T00:04:21.000Z'],
    ['6 Jul 2026 10:00 -0330', '2026-07-06T13:30:00.000Z'],
    ['Fri, 21 May 2021 14:13:16 GMT', '2021-05-21T14:13:16.000Z'],
  ])('reads %j', (text, wanted) => {
    expect(new Date(parseDateTime(text) ?? 0).toISOString()).toBe(wanted)
  })
  it.each([
    '',
    'now',
    'Thu, 31 Feb 2025 22:45:10 +0000',
    '1 Foo 2025 00:00:00 +0000',
    '1 Jan 2025 24:00:00 +0000',
    '1 Jan 25 00:00 +0000',
    'x'.repeat(1000),
  ])('refuses %j', (text) => {
    expect(parseDateTime(text)).toBeNull()
  })
  it('reads back what formatDateTime writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseDateTime(formatDateTime(seconds * 1000))).toBe(seconds * 1000)
      }),
    )
  })
})

describe('parseReceived', () => {
  it('reads a hop of Exchange Online', () => {
    expect(
      parseReceived(
        'from NAM11-DM6-obe.outbound.protection.outlook.com (mail-dm6.outbound.protection.outlook.com [IPv6:2a01:111:f400:7eaa::730]) (using TLSv1.2) by lists.example (Postfix) with ESMTPS id 4K6LFC3d5pz30MH; Mon, 28 Feb 2022 11:03:27 +1100 (AEDT)',
      ),
    ).toEqual({
      from: 'NAM11-DM6-obe.outbound.protection.outlook.com',
      address: '2a01:111:f400:7eaa::730',
      by: 'lists.example',
      with: 'ESMTPS',
      at: Date.UTC(2022, 1, 28, 0, 3, 27),
    })
  })

  it('is not led astray by a comment', () => {
    expect(parseReceived('from a.example (by evil.example [192.0.2.1]) by b.example')).toMatchObject({
      from: 'a.example',
      address: '192.0.2.1',
      by: 'b.example',
      at: null,
    })
  })

  it('answers on any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('from ', 'by ', '(', ')', '[', ']', ';', '1.2.3.4', ':', ' ', 'x'),
          maxLength: 300,
        }),
        (text) => {
          const hop = parseReceived(text)
          expect((hop.by ?? '').length).toBeLessThanOrEqual(255)
        },
      ),
    )
    const began = performance.now()
    parseReceived('from ('.repeat(100_000))
    expect(performance.now() - began).toBeLessThan(100)
  })
})

describe('isReport', () => {
  it.each([
    ['multipart/report; report-type=delivery-status; boundary="x"', true],
    ['Multipart/Report;\r\n boundary=x', true],
    ['multipart/report', true],
    ['multipart/reports; boundary=x', false],
    ['multipart/mixed; x="multipart/report;"', false],
    ['text/plain', false],
    ['', false],
  ])('Content-Type: %j is %s', (value, wanted) => {
    expect(isReport(scan(`Content-Type: ${value}\r\n`))).toBe(wanted)
  })
  it('is no when there are two', () => {
    expect(isReport(scan('Content-Type: multipart/report\r\nContent-Type: text/html\r\n'))).toBe(false)
  })
})

describe('isAutomatic', () => {
  it.each([
    ['auto-replied', true],
    ['Auto-Generated', true],
    ['auto-replied (vacation)', true],
    ['auto-notified; owner-email="a@b.example"', true],
    ['auto-replied;x=y', true],
    ['no', false],
    ['NO', false],
    ['No; reason=x', false],
    ['', false],
    ['auto replied', false],
    ['(auto-replied)', false],
  ])('Auto-Submitted: %j is %s', (value, wanted) => {
    expect(isAutomatic(scan(`Auto-Submitted: ${value}\r\n`))).toBe(wanted)
  })
  it('is no when there are two', () => {
    expect(isAutomatic(scan('Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n'))).toBe(false)
  })
})

describe('onlyValue', () => {
  it('answers for exactly one field', () => {
    const section = scan('A: 1\r\nB: 2\r\nb: 3\r\n')
    expect(onlyValue(section, 'a')).toBe('1')
    expect(onlyValue(section, 'b')).toBeNull()
    expect(onlyValue(section, 'c')).toBeNull()
  })
})
