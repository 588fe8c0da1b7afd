import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DnsTrouble } from '../dns/inquiry.ts'
import { isSyntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { type Identifier, evaluateDmarc } from './evaluate.ts'
import { isDmarcRecord, parseDmarcRecord } from './record.ts'

const domain = (text: string): Domain => {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

/** DMARC records by domain, and names that exist without one; the rest does not exist. */
type Table = { readonly [domain: string]: readonly string[] | DnsTrouble['trouble'] }

function run(table: Table, author: string, identifiers: readonly Identifier[] = [], existing: Table = {}) {
  const inquiry = evaluateDmarc(domain(author), identifiers)
  const asked: string[] = []
  let step = inquiry.next()
  while (step.done !== true) {
    const { type, name } = step.value
    asked.push(name)
    const given = type === 'TXT' ? table[name.replace(/^_dmarc\./, '')] : existing[name]
    step = inquiry.next(
      typeof given === 'string'
        ? { trouble: given, name }
        : { records: type === 'TXT' ? (given ?? []) : [], exists: given !== undefined, authentic: false },
    )
  }
  return { ...step.value, asked }
}

const passed = (method: Identifier['method'], name: string): Identifier => ({
  method,
  domain: domain(name),
  result: 'pass',
})
const unsure = (name: string): Identifier => ({ method: 'dkim', domain: domain(name), result: 'temperror' })

describe('policy discovery', () => {
  it('asks at most eight names of a long one, and skips to seven labels', () => {
    const { asked, result } = run({}, 'a.b.c.d.e.f.g.h.i.j.mail.example.com')
    expect(result).toBe('none')
    expect(asked).toHaveLength(8)
    expect(asked.slice(0, 2)).toEqual([
      '_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com',
      '_dmarc.g.h.i.j.mail.example.com',
    ])
    expect(asked.at(-1)).toBe('_dmarc.com')
  })

  it('takes the record with the fewest labels for the Organizational Domain, psd=n before it', () => {
    const table = { 'b.example.com': ['v=DMARC1; p=none'], 'example.com': ['v=DMARC1; p=quarantine; sp=reject'] }
    expect(run(table, 'a.b.example.com')).toMatchObject({ policyDomain: 'example.com', policy: 'reject' })
    const own = { ...table, 'b.example.com': ['v=DMARC1; p=none; psd=n'] }
    expect(run(own, 'a.b.example.com')).toMatchObject({ policyDomain: 'b.example.com', policy: 'none' })
  })

  it('falls back to a Public Suffix Domain, whose policy for what does not exist is np', () => {
    const table = { example: ['v=DMARC1; p=none; sp=quarantine; np=reject; psd=y'] }
    expect(run(table, 'foo.example')).toMatchObject({ policyDomain: 'example', policy: 'reject', result: 'fail' })
    expect(run(table, 'foo.example', [], { 'foo.example': [] })).toMatchObject({ policy: 'quarantine' })
  })

  it('takes several records of one name, or one with a tag twice, for none', () => {
    const two = { 'example.com': ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] }
    expect(run(two, 'example.com').result).toBe('none')
    expect(run({ 'example.com': ['v=DMARC1; p=reject; p=none'] }, 'example.com').result).toBe('none')
  })

  it('weakens a policy under test by one level', () => {
    const policyOf = (record: string) => run({ 'example.com': [record] }, 'example.com').policy
    expect(['reject', 'quarantine', 'none'].map((p) => policyOf(`v=DMARC1; p=${p}; t=y`))).toEqual([
      'quarantine',
      'none',
      'none',
    ])
  })

  it('is sure of nothing while DNS is silent', () => {
    expect(run({ 'mail.example.com': 'timeout' }, 'mail.example.com').result).toBe('temperror')
    expect(run({ 'example.com': 'servfail' }, 'mail.example.com').result).toBe('temperror')
    const np = { 'example.com': ['v=DMARC1; p=none; np=reject'] }
    const silent = run(np, 'mail.example.com', [], { 'mail.example.com': 'timeout' })
    expect(silent).toMatchObject({ result: 'temperror', policy: 'none' })
    const aligned = [passed('dkim', 'mail.example.com')]
    expect(run(np, 'mail.example.com', aligned, { 'mail.example.com': 'timeout' }).result).toBe('pass')
  })
})

describe('alignment', () => {
  const table = { 'example.com': ['v=DMARC1; p=reject'] }

  it('is to the same Organizational Domain, and strict where the record says so', () => {
    expect(run(table, 'example.com', [passed('dkim', 'mail.example.com')]).result).toBe('pass')
    expect(run(table, 'a.example.com', [passed('spf', 'b.example.com')]).result).toBe('pass')
    expect(run(table, 'example.com', [passed('spf', 'example.org'), passed('dkim', 'badexample.com')]).result).toBe(
      'fail',
    )
    const strict = { 'example.com': ['v=DMARC1; p=reject; adkim=s; aspf=s'] }
    expect(run(strict, 'example.com', [passed('dkim', 'mail.example.com')]).result).toBe('fail')
    expect(run(strict, 'example.com', [passed('spf', 'example.com')]).result).toBe('pass')
  })

  it('does not reach over a psd=n below the author', () => {
    const split = { ...table, 'unit.example.com': ['v=DMARC1; p=none; psd=n'] }
    expect(run(split, 'example.com', [passed('dkim', 'unit.example.com')]).result).toBe('fail')
  })

  it('of the same domain needs no walk', () => {
    expect(run(table, 'example.com', [passed('dkim', 'example.com')]).asked).toEqual(['_dmarc.example.com'])
  })

  it('that is not known is a temporary error, unless something else passes', () => {
    expect(run(table, 'example.com', [unsure('example.com')]).result).toBe('temperror')
    expect(run(table, 'example.com', [unsure('example.org')]).result).toBe('fail')
    expect(run(table, 'example.com', [unsure('example.com'), passed('spf', 'mail.example.com')]).result).toBe('pass')
    const silent = { ...table, 'mail.example.com': 'timeout' } as const
    expect(run(silent, 'example.com', [passed('dkim', 'mail.example.com')]).result).toBe('temperror')
  })

  it('walks for ten identifiers at most, whoever sent how many', () => {
    const flood = Array.from({ length: 200 }, (_, at) => passed('dkim', `x${at}.y.z.example.com`))
    const psd = { ...table, 'z.example.com': ['v=DMARC1; p=none; psd=n'] }
    const { result, asked } = run(psd, 'example.com', flood)
    expect(result).toBe('temperror')
    expect(asked.length).toBeLessThan(60)
    expect(run(psd, 'example.com', [...flood, passed('spf', 'example.com')]).result).toBe('pass')
  })
})

describe('a record', () => {
  const read = (text: string) => {
    const record = parseDmarcRecord(text)
    if (isSyntaxFault(record)) throw new Error(record.reason)
    return record
  }

  it('starts with the version, in capitals', () => {
    const texts = [
      'v=DMARC1',
      'V = DMARC1 ;p=none',
      'v=dmarc1; p=none',
      'v=DMARC11; p=none',
      'p=none; v=DMARC1',
      ' v=DMARC1',
    ]
    expect(texts.map(isDmarcRecord)).toEqual([true, true, false, false, false, false])
  })

  it('ignores what it does not know and what is malformed', () => {
    const record = read(
      'v=DMARC1; p = Reject ; garbage; x-y=1; adkim=S; aspf=maybe; psd=z; t=Y; rua=mailto:a@example.com',
    )
    expect(record).toEqual({
      policies: { domain: 'reject', subdomains: null, nonExistent: null },
      dkimAlignment: 'strict',
      spfAlignment: 'relaxed',
      publicSuffix: 'u',
      testing: true,
    })
  })

  it('without a usable policy counts as none when it asks for reports, and not at all otherwise', () => {
    expect(read('v=DMARC1; rua=mailto:a@example.com!10m').policies?.domain).toBe('none')
    expect(read('v=DMARC1; p=reject; sp=everything; rua=mailto:a@example.com').policies?.domain).toBe('none')
    expect(read('v=DMARC1; p=rejct; rua=nobody').policies).toBeNull()
    expect(run({ 'example.com': ['v=DMARC1'] }, 'example.com').result).toBe('none')
  })

  it('never throws, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const record = parseDmarcRecord(`v=DMARC1;${text}`)
        expect(isSyntaxFault(record) || 'policies' in record).toBe(true)
      }),
    )
  })
})
