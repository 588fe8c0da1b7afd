import { evaluateDmarc } from '../../../src/standards/dmarc/index.ts'
import type { DnsAnswer, DnsQuestion, Inquiry } from '../../../src/standards/dns/inquiry.ts'
import { decodeResponse, isResponseTo } from '../../../src/standards/dns/message.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { parseDomain } from '../../../src/standards/names/domain.ts'
import { parseIp } from '../../../src/standards/names/ip.ts'
import { checkHost } from '../../../src/standards/spf/index.ts'
import { type Target, must } from '../target.ts'

const question: DnsQuestion<'MX'> = { name: 'a.example', type: 'MX' }

/** What a DNS server, or whoever answers in its place, sends back. */
export const dnsResponses: Target = {
  name: 'dns-responses',
  weight: 6,
  longest: 4096,
  seeds: [
    // Id 7, one answer: a.example MX 10 mx.a.example, its name compressed; then an alias and an SOA record.
    '\0\x07\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x07example\0\0\x0f\0\x01\xc0\x0c\0\x0f\0\x01\0\0\x01\x2c\0\x07\0\x0a\x02mx\xc0\x0c',
    '\0\x07\x81\x83\0\x01\0\x01\0\x01\0\0\x01a\x07example\0\0\x0f\0\x01\xc0\x0c\0\x05\0\x01\0\0\x01\x2c\0\x04\x01b\xc0\x0e\xc0\x0e\0\x06\0\x01\0\0\x01\x2c\0\x16\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x3c',
  ],
  words: ['\xc0\x0c', '\xc0\x0e', '\x3f', '\0\x0f\0\x01', '\0\x05\0\x01', '\0\x06\0\x01', '\xff\xff', '\0'],
  check(input) {
    if (!isResponseTo(input, 7, question)) return
    const read = decodeResponse(input, question)
    if (isSyntaxFault(read) || read.kind !== 'answered') return
    must(
      read.answer.records.every(({ exchange }) => exchange.length <= 4 * 255),
      'a name is no longer than a name can be',
    )
    must(read.secondsToLive === null || read.secondsToLive >= 0, 'an answer holds for some time or none')
  },
}

const author = parseDomain('mail.example.com')
const ip = parseIp('192.0.2.1')

/** TXT records of hostile domains: the input's lines answer every question in turn. */
export const dnsPolicies: Target = {
  name: 'dns-policies',
  weight: 6,
  longest: 10_000,
  seeds: [
    'v=spf1 a:%{d} mx/24//64 include:_spf.%{o} exists:%{ir}.%{l1r+-}.x.example ptr -all exp=why.%{d2}',
    'v=spf1 redirect=_spf.example.com\nv=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?all',
    'v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; psd=n; t=y; rua=mailto:a@example.com!10m',
    'v=DMARC1; p=none; psd=y\nv=DMARC1; rua=mailto:a@example.com',
  ],
  words: [
    'v=spf1 ',
    'v=DMARC1;',
    '%{',
    '}',
    'include:',
    'redirect=',
    'exp=',
    '//',
    ' ',
    ';',
    '=',
    '\n',
    'psd=y',
    '%{p}',
  ],
  check(input) {
    if (isSyntaxFault(author) || isSyntaxFault(ip)) throw new Error('the target is wrong')
    const lines = input.toString('latin1').split('\n')
    const host = { ip, domain: 'example.com', localPart: 'a', helo: 'b.example', receiver: 'c', now: 0, explain: true }
    must(questionsOf(checkHost(host), lines) <= 300, 'SPF asks no more than its limits allow')
    const identifiers = [{ method: 'spf', domain: author, result: 'pass' } as const]
    must(questionsOf(evaluateDmarc(author, identifiers), lines) <= 30, 'DMARC walks no further than the tree is high')
  },
}

/** Runs an inquiry to its end, and counts what it asked. */
function questionsOf(inquiry: Inquiry<unknown>, lines: readonly string[]): number {
  let asked = 0
  let step = inquiry.next()
  while (step.done !== true) {
    const line = lines[asked++ % lines.length] ?? ''
    step = inquiry.next(answerWith(step.value, line))
  }
  return asked
}

function answerWith({ type }: DnsQuestion, line: string): DnsAnswer {
  if (type === 'TXT') return { records: [line], exists: true, authentic: false }
  if (type === 'MX') return { records: [{ preference: 0, exchange: line }], exists: true, authentic: false }
  return { records: type === 'PTR' ? [line, 'host.example.com'] : [], exists: line !== '', authentic: false }
}
