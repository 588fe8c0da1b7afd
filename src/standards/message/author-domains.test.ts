import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { readAuthorDomains } from './author-domains.ts'
import { scanHeaderSection } from './header-section.ts'

function read(...lines: readonly string[]) {
  const section = scanHeaderSection(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return readAuthorDomains(section)
}

describe('the domains of the authors', () => {
  it.each([
    ['From: a@example.com', ['example.com']],
    ['From: "Bob, the @ builder" <bob@Example.COM>', ['example.com']],
    ['From: a@example.com (a comment (nested) <x@evil.example>)', ['example.com']],
    ['From: Bob <@relay.example,@other.example:bob@example.com>', ['example.com']],
    ['From: "x@evil.example" <a@example.com>', ['example.com']],
    ['From: "a@b"@example.com', ['example.com']],
    ['From: a@one.example, B <b@two.example>,', ['one.example', 'two.example']],
    ['From: team: a@one.example, b@one.example;', ['one.example']],
    ['From: a @ example . com', ['example.com']],
    ['From: a@b\u00fccher.example', ['xn--bcher-kva.example']],
  ])('%s', (line, domains) => {
    expect(read(line)).toEqual({ domains, fields: 1 })
  })

  it('are those of every From field, one with a blank before its colon too', () => {
    expect(read('From: a@one.example', 'From : b@two.example')).toEqual({
      domains: ['one.example', 'two.example'],
      fields: 2,
    })
  })

  it.each([
    ['Subject: x'],
    ['From:'],
    ['From: nobody'],
    ['From: "never ends <a@example.com>'],
    ['From: (never ends a@example.com'],
    ['From: <a@example.com'],
    ['From: <a@one.example> <b@two.example>'],
    ['From: a@b@example.com'],
    ['From: a@[192.0.2.1]'],
    ['From: a@one.example, undisclosed'],
  ])('cannot be read: %s', (line) => {
    expect(isSyntaxFault(read(line))).toBe(true)
  })

  it('are domains or a fault, whatever stands there', () => {
    const piece = fc.constantFrom(
      '"',
      '(',
      ')',
      '<',
      '>',
      '@',
      ',',
      ';',
      ':',
      '\\',
      ' ',
      'a',
      'example.com',
      '.',
      '[',
      'é',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const domains = read(`From: ${pieces.join('')}`)
        expect(isSyntaxFault(domains) || domains.domains.length > 0).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
