import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Command, maxCommandOctets, parseCommand, verbOf } from './command.ts'
import { type Offer, type Refusal, isRefusal } from './parameters.ts'

const full: Offer = { extended: true, xoorg: true }

function parse(text: string, offer: Offer = full): Command | Refusal {
  return parseCommand(Buffer.from(text), offer)
}

function code(text: string, offer: Offer = full): string {
  const read = parse(text, offer)
  return isRefusal(read) ? `${read.refusal.code} ${read.refusal.enhanced}` : read.verb
}

test.each([
  ['EHLO a.example', 'EHLO'],
  ['ehlo [192.0.2.1]', 'EHLO'],
  ['EHLO [IPv6:2001:db8::1]', 'EHLO'],
  ['HELO DESKTOP_42', 'HELO'],
  ['EHLO', '501 5.5.4'],
  ['EHLO  ', '501 5.5.4'],
  ['EHLO a b', '501 5.5.4'],
  ['EHLO a;b', '501 5.5.4'],
  ['EHLO (comment)', '501 5.5.4'],
  ['EHLO [x-tag:a<b(c;d]', '501 5.5.4'],
  ['DATA', 'DATA'],
  ['data  ', 'DATA'],
  ['DATA now', '501 5.5.4'],
  ['RSET', 'RSET'],
  ['RSET x', '501 5.5.4'],
  ['QUIT', 'QUIT'],
  ['NOOP anything at all', 'NOOP'],
  ['HELP MAIL', 'HELP'],
  ['VRFY someone', 'VRFY'],
  ['VRFY', '501 5.5.4'],
  ['EXPN list', '502 5.5.1'],
  ['STARTTLS', 'STARTTLS'],
  ['STARTTLS now', '501 5.5.4'],
  ['BDAT 100 LAST', 'BDAT'],
  ['GET / HTTP/1.1', 'FOREIGN'],
  ['WHATISTHIS', '500 5.5.1'],
  ['', '500 5.5.1'],
  ['MAILFROM:<a@b.example>', '500 5.5.1'],
  ['MAIL FROM:<a@b.example>', 'MAIL'],
  ['mail from: <>', 'MAIL'],
  ['MAIL  FROM:<>', 'MAIL'],
  ['MAIL FROM :<>', '501 5.5.4'],
  ['MAIL TO:<a@b.example>', '501 5.5.4'],
  ['MAIL FROM:a@b.example', '501 5.1.7'],
  ['MAIL FROM:<a@b.example', '501 5.1.7'],
  ['MAIL FROM:<postmaster>', '501 5.1.7'],
  ['MAIL FROM:<\u00fc@b.example>', '553 5.6.7'],
  ['MAIL FROM:<\u00fc@b.example> SMTPUTF8', 'MAIL'],
  ['MAIL FROM:<>SIZE=1', '501 5.5.4'],
  ['MAIL FROM:<> SIZE=1 SIZE=2', '501 5.5.4'],
  ['MAIL FROM:<> SIZE=x', '501 5.5.4'],
  ['MAIL FROM:<> SIZE=123456789012345678901', '501 5.5.4'],
  ['MAIL FROM:<> SIZE', '501 5.5.4'],
  ['MAIL FROM:<> BODY=BINARYMIME', '501 5.5.4'],
  ['MAIL FROM:<> FOO=1', '555 5.5.4'],
  ['MAIL FROM:<> NOTIFY=NEVER', '555 5.5.4'],
  ['MAIL FROM:<> SMTPUTF8=1', '501 5.5.4'],
  ['MAIL FROM:<> RET=SOME', '501 5.5.4'],
  ['MAIL FROM:<> ENVID=a+b', '501 5.5.4'],
  [`MAIL FROM:<> ENVID=${'a'.repeat(101)}`, '501 5.5.4'],
  ['MAIL FROM:<> AUTH=', '501 5.5.4'],
  ['MAIL FROM:<> XOORG=a+0Db', '501 5.5.4'],
  ['MAIL FROM:<> XOORG=a+zz', '501 5.5.4'],
  ['MAIL FROM:<> -=1', '501 5.5.4'],
  ['RCPT TO:<a@b.example>', 'RCPT'],
  ['RCPT TO:<>', '501 5.1.3'],
  ['RCPT TO:<a>', '501 5.1.3'],
  ['RCPT TO:<Postmaster>', 'RCPT'],
  ['RCPT TO:<a@[192.0.2.1]>', 'RCPT'],
  ['RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY', '501 5.5.4'],
  ['RCPT TO:<a@b.example> NOTIFY=', '501 5.5.4'],
  ['RCPT TO:<a@b.example> ORCPT=rfc822', '501 5.5.4'],
  ['RCPT TO:<a@b.example> ORCPT=rfc822;a+', '501 5.5.4'],
  ['RCPT TO:<a@b.example> SIZE=1', '555 5.5.4'],
  ['AUTH', '501 5.5.4'],
  ['AUTH PLAIN', 'AUTH'],
  ['AUTH PL@IN x', '501 5.5.4'],
])('%j reads as %s', (text, expected) => {
  expect(code(text)).toBe(expected)
})

test('all parameters of MAIL', () => {
  const text =
    'MAIL FROM:<@relay.example:a@b.example> size=0123 body=8bitmime smtputf8 ret=hdrs ENVID=QQ+2B1 AUTH=c+2Bd@e.example XOORG=contoso.example'
  expect(parse(text)).toEqual({
    verb: 'MAIL',
    path: { kind: 'mailbox', mailbox: { localPart: 'a', domain: 'b.example' }, international: false },
    parameters: {
      size: 123,
      body: '8BITMIME',
      smtputf8: true,
      ret: 'HDRS',
      envid: 'QQ+2B1',
      auth: 'c+d@e.example',
      xoorg: 'contoso.example',
    },
  })
  expect(parse('MAIL FROM:<> AUTH=<>')).toMatchObject({ parameters: { auth: '<>', xoorg: null, smtputf8: false } })
})

test('all parameters of RCPT', () => {
  expect(parse('RCPT TO:<a@b.example> NOTIFY=success,Delay ORCPT=rfc822;x+2By@z.example')).toMatchObject({
    parameters: { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;x+2By@z.example' },
  })
  expect(parse('RCPT TO:<a@b.example> notify=never')).toMatchObject({ parameters: { notify: 'NEVER', orcpt: null } })
  expect(parse('RCPT TO:<a@b.example> ORCPT=utf-8;\u00fc@z.example')).toMatchObject({
    parameters: { orcpt: 'utf-8;\u00fc@z.example' },
  })
})

test('a parameter of what was not offered is unknown', () => {
  expect(parse('MAIL FROM:<> REQUIRETLS', { ...full, requireTls: true })).toMatchObject({
    parameters: { requireTls: true },
  })
  expect(code('MAIL FROM:<> REQUIRETLS=1', { ...full, requireTls: true })).toBe('501 5.5.4')
  expect(code('MAIL FROM:<> REQUIRETLS', full)).toBe('555 5.5.4')
  expect(code('MAIL FROM:<> XOORG=a', { extended: true, xoorg: false })).toBe('555 5.5.4')
  expect(code('MAIL FROM:<> SIZE=1', { extended: false, xoorg: false })).toBe('555 5.5.4')
  expect(code('RCPT TO:<a@b.example> NOTIFY=NEVER', { extended: false, xoorg: false })).toBe('555 5.5.4')
  expect(code('MAIL FROM:<a@b.example> ', { extended: false, xoorg: false })).toBe('MAIL')
})

test('an initial response is a secret', () => {
  const command = parse('auth plain AGEAYg==')
  if (isRefusal(command) || command.verb !== 'AUTH') throw new Error('unreachable')
  expect(command.mechanism).toBe('PLAIN')
  expect(command.initial?.reveal()).toBe('AGEAYg==')
  expect(JSON.stringify(command)).not.toContain('AGEAYg')
})

test('broken UTF-8 is refused, not mended', () => {
  expect(parseCommand(Buffer.from('4d41494c2046524f4d3a3cff3e', 'hex'), full)).toMatchObject({ refusal: { code: 500 } })
})

test('length limits follow the verb', () => {
  expect(verbOf(Buffer.from('mail FROM'))).toBe('MAIL')
  expect(verbOf(Buffer.from('\u00ff'))).toBe('')
  expect(maxCommandOctets('EHLO')).toBe(512)
  expect(maxCommandOctets('MAIL')).toBeGreaterThan(512)
  expect(maxCommandOctets('AUTH')).toBe(12_288)
})

test('any octets are a command or a refusal, never a throw', () => {
  const seeds = [
    'EHLO localhost',
    'MAIL FROM:<test@testy.com> SIZE=10 BODY=8BITMIME RET=FULL ENVID=x AUTH=<> XOORG=a',
    'RCPT TO:<"a b"@[IPv6:::1]> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a',
    'AUTH PLAIN dXNlckB0ZXN0',
  ].map((seed) => Buffer.from(seed))
  const edit = fc.record({
    at: fc.nat(100),
    octet: fc.nat(255),
    kind: fc.constantFrom('set', 'insert', 'delete', 'cut'),
  })
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 8 }), (seed, edits) => {
      const octets = [...seed]
      for (const { at, octet, kind } of edits) {
        if (kind === 'set') octets[at % (octets.length + 1)] = octet
        else if (kind === 'insert') octets.splice(at, 0, octet)
        else if (kind === 'delete') octets.splice(at, 1)
        else octets.splice(at)
      }
      const read = parseCommand(Buffer.from(octets), full)
      if (isRefusal(read)) expect(read.refusal.code).toBeGreaterThanOrEqual(500)
      else expect(read.verb).toMatch(/^[A-Z]+$/)
    }),
    { numRuns: 3000 },
  )
})
