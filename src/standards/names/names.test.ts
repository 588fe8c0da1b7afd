import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { type Domain, isAtOrBelow, parentOf, parseDomain } from './domain.ts'
import { formatMailbox } from './mailbox.ts'
import { consumerTenant, parseTenantId } from './tenant.ts'

const domain = (text: string): Domain => {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(text)
  return parsed
}

describe('parseDomain', () => {
  it.each([
    ['Example.ORG', 'example.org'],
    ['example.org.', 'example.org'],
    ['localhost', 'localhost'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['B\u00dcCHER.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['stra\u00dfe.example', 'xn--strae-oqa.example'],
    ['_domainkey.example.org', '_domainkey.example.org'],
    ['\uff45xample.org', 'example.org'],
    ['ex\u00adample.org', 'example.org'],
  ])('reads %j as %s', (text, wanted) => {
    expect(parseDomain(text)).toBe(wanted)
  })

  it.each([
    '',
    '.',
    'a..b',
    '.a',
    'a b.example',
    'a\0.example',
    '-a.example',
    'a-.example',
    'example.1',
    '192.0.2.1',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}example`,
    'xn--a.example',
    'xn--0.example',
    'ex\u202eample.org',
    'a@b.example',
    '[192.0.2.1]',
    'a,b.example',
    'example.org\r\n',
    'x'.repeat(5000),
  ])('refuses %j', (text) => {
    expect(isSyntaxFault(parseDomain(text))).toBe(true)
  })

  it('walks up', () => {
    expect(parentOf(domain('a.b.example'))).toBe('b.example')
    expect(parentOf(domain('example'))).toBeNull()
    expect(isAtOrBelow(domain('a.example'), domain('example'))).toBe(true)
    expect(isAtOrBelow(domain('notexample.org'), domain('example.org'))).toBe(false)
  })
})

describe('parseTenantId', () => {
  it('reads a GUID without regard to case', () => {
    expect(parseTenantId(consumerTenant.toUpperCase())).toBe(consumerTenant)
  })
  it.each([
    '',
    ` ${consumerTenant}`,
    `{${consumerTenant}}`,
    consumerTenant.replace(/-/g, ''),
    `${consumerTenant}0`,
    `${consumerTenant}\n`,
  ])('refuses %j', (text) => {
    expect(isSyntaxFault(parseTenantId(text))).toBe(true)
  })
})

describe('formatMailbox', () => {
  it.each([
    ['a.b+c', 'a.b+c@example.org'],
    ['a b', '"a b"@example.org'],
    ['a"b\\c', '"a\\"b\\\\c"@example.org'],
    ['.a', '".a"@example.org'],
    ['', '""@example.org'],
  ])('writes %j', (localPart, wanted) => {
    expect(formatMailbox({ localPart, domain: domain('example.org') })).toBe(wanted)
  })
})
