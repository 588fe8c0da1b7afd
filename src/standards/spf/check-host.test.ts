import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DnsAnswer, DnsTrouble } from '../dns/inquiry.ts'
import { isSyntaxFault } from '../fault.ts'
import { type IpAddress, parseIp } from '../names/ip.ts'
import { type HostToCheck, checkHost } from './check-host.ts'
import { spfIdentity } from './identity.ts'
import { parseSpfRecord } from './record.ts'

const ip = (text: string): IpAddress => {
  const parsed = parseIp(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

type Table = { readonly [question: string]: readonly unknown[] | DnsTrouble['trouble'] }

const host: HostToCheck = {
  ip: ip('192.0.2.1'),
  domain: 'example.com',
  localPart: 'user',
  helo: 'mail.example.com',
  receiver: 'receiver.example',
  now: 1_700_000_000_000,
  explain: false,
}

/** Runs a check against `TYPE name` questions, and counts them. What the table does not hold does not exist. */
function run(table: Table, changes: Partial<HostToCheck> = {}) {
  const inquiry = checkHost({ ...host, ...changes })
  const asked: string[] = []
  let step = inquiry.next()
  while (step.done !== true) {
    const question = `${step.value.type} ${step.value.name}`
    asked.push(question)
    if (asked.length > 500) throw new Error('the check does not end')
    const given = table[question]
    const answer: DnsAnswer | DnsTrouble =
      typeof given === 'string'
        ? { trouble: given, name: step.value.name }
        : { records: (given ?? []) as DnsAnswer['records'], exists: given !== undefined, authentic: false }
    step = inquiry.next(answer)
  }
  return { ...step.value, asked }
}

const spf = (record: string, more: Table = {}): Table => ({ 'TXT example.com': [record], ...more })

describe('the limits of a check', () => {
  it('are ten terms that ask DNS, over every record that is included or redirected to', () => {
    const terms = (count: number) => Array.from({ length: count }, (_, at) => `a:h${at}.example.com`).join(' ')
    const hosts = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`A h${at}.example.com`, [ip('192.0.2.9')]]))
    expect(run(spf(`v=spf1 ${terms(10)} -all`, hosts)).result).toBe('fail')
    expect(run(spf(`v=spf1 ${terms(11)} -all`, hosts)).result).toBe('permerror')
    const included = { ...hosts, 'TXT other.example': [`v=spf1 ${terms(10)} ?all`] }
    expect(run(spf('v=spf1 include:other.example -all', included)).result).toBe('permerror')
    expect(run(spf('v=spf1 redirect=other.example', included)).result).toBe('permerror')
  })

  it('end a loop of includes and one of redirects', () => {
    expect(run(spf('v=spf1 include:example.com -all')).result).toBe('permerror')
    expect(run(spf('v=spf1 redirect=example.com')).result).toBe('permerror')
  })

  it('are two look-ups that find nothing', () => {
    expect(run(spf('v=spf1 a:x.example.com a:y.example.com -all')).result).toBe('fail')
    expect(run(spf('v=spf1 a:x.example.com a:y.example.com a:z.example.com -all')).result).toBe('permerror')
  })

  it('are ten exchanges, and ten names of the client', () => {
    const exchanges = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ preference: at, exchange: `m${at}.example.com` }))
    const addresses = Object.fromEntries(
      Array.from({ length: 11 }, (_, at) => [`A m${at}.example.com`, [ip(at === 9 ? '192.0.2.1' : '192.0.2.9')]]),
    )
    expect(run(spf('v=spf1 mx -all', { 'MX example.com': exchanges(10), ...addresses })).result).toBe('pass')
    expect(run(spf('v=spf1 mx -all', { 'MX example.com': exchanges(11), ...addresses })).result).toBe('permerror')
    const pointers = exchanges(11).map(({ exchange }) => exchange)
    const { result, asked } = run(spf('v=spf1 ptr -all', { 'PTR 1.2.0.192.in-addr.arpa': pointers, ...addresses }))
    expect(result).toBe('pass')
    expect(asked.filter((question) => question.startsWith('A '))).toHaveLength(10)
  })
})

describe('trouble and errors', () => {
  it('are told apart: temporary where DNS is silent, permanent where a record is wrong, none where there is none', () => {
    expect(run({ 'TXT example.com': 'timeout' }).result).toBe('temperror')
    expect(run({}).result).toBe('none')
    expect(run({ 'TXT example.com': ['v=spf10 -all', 'something'] }).result).toBe('none')
    expect(run(spf('v=spf1 a:x.example.com', { 'A x.example.com': 'servfail' })).result).toBe('temperror')
    expect(run(spf('v=spf1 ip4:192.0.2.1 nonsense')).result).toBe('permerror')
    expect(run(spf('v=spf1 include:none.example -all')).result).toBe('permerror')
    expect(run(spf('v=spf1 redirect=none.example')).result).toBe('permerror')
  })

  it('leave a name of the client out instead of ending the check', () => {
    const table = spf('v=spf1 ptr -all', {
      'PTR 1.2.0.192.in-addr.arpa': ['slow.example.com', 'host.example.com'],
      'A slow.example.com': 'timeout',
      'A host.example.com': [ip('192.0.2.1')],
    })
    expect(run(table).result).toBe('pass')
    expect(run(spf('v=spf1 ptr ?all', { 'PTR 1.2.0.192.in-addr.arpa': 'timeout' })).result).toBe('neutral')
  })
})

describe('addresses', () => {
  it.each([
    ['2001:db8::1', 'ip6:2001:db8::/32', 'pass'],
    ['2001:db9::1', 'ip6:2001:db8::/32', 'fail'],
    ['192.0.2.1', 'ip6:::ffff:192.0.2.1', 'fail'],
    ['192.0.2.1', 'ip6:::/0', 'fail'],
    ['2001:db8::1', 'ip6:::ffff:192.0.2.1/0', 'pass'],
    ['2001:db8::1', 'ip4:0.0.0.0/0', 'fail'],
    ['::ffff:192.0.2.1', 'ip4:192.0.2.0/24', 'pass'],
  ])('%s against %s: %s', (client, mechanism, result) => {
    expect(run(spf(`v=spf1 ${mechanism} -all`), { ip: ip(client) }).result).toBe(result)
  })
})

describe('macros', () => {
  it('are expanded, cut, reversed, joined and escaped', () => {
    const expands = (spec: string, name: string, changes: Partial<HostToCheck> = {}) =>
      expect(run(spf(`v=spf1 exists:${spec} -all`, { [`A ${name}`]: [ip('127.0.0.2')] }), changes).result).toBe('pass')
    expands('%{ir}.%{v}.%{d2}', '1.2.0.192.in-addr.example.com')
    expands('%{l1r-}.x.%{o}', 'first.x.example.com', { localPart: 'first-last' })
    expands('%{L}.%{h}', 'a%2fb.mail.example.com', { localPart: 'a/b' })
    expands('%{i}.x', '2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.x', { ip: ip('2001:db8::1') })
  })

  it('give an explanation to who asks for one, and none when it is malformed or not there', () => {
    const table = (text: string) => spf('v=spf1 -all exp=why.%{d}', { 'TXT why.example.com': [text] })
    expect(run(table('%{c} is not ours, says %{r} at %{t}'), { explain: true }).explanation).toBe(
      '192.0.2.1 is not ours, says receiver.example at 1700000000',
    )
    expect(run(table('broken %'), { explain: true }).explanation).toBeNull()
    expect(run(spf('v=spf1 -all exp=none.example'), { explain: true }).explanation).toBeNull()
    expect(run(table('unasked')).asked).toEqual(['TXT example.com'])
  })
})

describe('who is checked', () => {
  it.each([
    ['user@Example.COM.', 'x', 'mfrom', 'user', 'example.com'],
    ['@example.com', 'x', 'mfrom', 'postmaster', 'example.com'],
    ['', 'mail.example.com', 'helo', 'postmaster', 'mail.example.com'],
    ['', '[192.0.2.1]', 'helo', 'postmaster', null],
    ['user@localhost', 'x', 'mfrom', 'user', null],
    ['user@192.0.2.1', 'x', 'mfrom', 'user', null],
    ['user@bücher.example', 'x', 'mfrom', 'user', 'xn--bcher-kva.example'],
    ['"a@b"@example.com', 'x', 'mfrom', '"a@b"', 'example.com'],
  ])('%s with the greeting %s', (mailFrom, helo, scope, localPart, domain) => {
    expect(spfIdentity(mailFrom, helo)).toEqual({ scope, localPart, domain })
  })
})

describe('hostile records', () => {
  const piece = fc.constantFrom(
    'v=spf1 ',
    'a',
    'mx',
    ':',
    '/',
    '//',
    '0',
    '33',
    '%',
    '%{',
    'd',
    'l',
    '}',
    'r',
    '-',
    '.',
    'example.com',
    'exp=',
    'redirect=',
    'include:',
    'exists:',
    'ptr',
    'ip4:',
    'ip6:',
    '::',
    '1.2.3.4',
    'all',
    ' ',
    '~',
    '=',
    '\0',
    '\u00e9',
    '%{p}',
    '%{s99r.+-}',
  )
  const record = fc.array(piece, { maxLength: 24 }).map((pieces) => `v=spf1 ${pieces.join('')}`)

  it('are read or are a fault, and a check of them ends in a word', () => {
    const words = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']
    fc.assert(
      fc.property(record, record, (one, other) => {
        const outcome = run(
          {
            'TXT example.com': [one],
            'TXT mail.example.com': [other],
            'MX example.com': [{ preference: 0, exchange: 'mail.example.com' }],
            'PTR 1.2.0.192.in-addr.arpa': ['mail.example.com'],
          },
          { explain: true },
        )
        expect(words).toContain(outcome.result)
      }),
      { numRuns: 1500 },
    )
  })

  it('are bounded in length', () => {
    expect(isSyntaxFault(parseSpfRecord(`v=spf1 ${'a '.repeat(10_000)}`))).toBe(true)
  })
})
