import { spf as mailauthSpf } from 'mailauth/lib/spf/index.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readZone, zoneResolver } from '../../../platform/dns-zone.ts'
import type { Resolver } from '../../../platform/dns.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import { authenticate } from './authenticate.ts'
import { withLineEnds } from './message.ts'
import { verifySpf } from './spf.ts'

const client = parseIp('192.0.2.1')
if (isSyntaxFault(client)) throw new Error(client.reason)
const peer = { ip: client, helo: 'mail.example.com', mailFrom: 'user@example.com' }

function zoneOf(given: unknown): Resolver {
  const zone = readZone(given)
  if (isSyntaxFault(zone)) throw new Error(zone.reason)
  return zoneResolver(zone)
}

const check = (message: string, zone: unknown, clock = { now: () => 0, steady: () => 0 }) =>
  authenticate(Buffer.from(message), peer, { resolver: zoneOf(zone), clock, receiver: null })

const aligned = {
  'example.com': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
  '_dmarc.example.com': { TXT: ['v=DMARC1; p=reject'] },
  '_dmarc.bank.example': { TXT: ['v=DMARC1; p=quarantine'] },
}

describe('a message', () => {
  it('passes DMARC by an aligned SPF alone', async () => {
    const { spf, dkim, arc, dmarc } = await check('From: a@example.com\r\n\r\nhello\r\n', aligned)
    expect([spf.result, dkim.length, arc.result, dmarc.result]).toEqual(['pass', 0, 'none', 'pass'])
  })

  it('with two authors fails by the strictest that fails, and never passes', async () => {
    const { dmarc } = await check('From: a@example.com, b@bank.example\r\n\r\n', aligned)
    expect(dmarc).toMatchObject({ result: 'fail', outcome: { authorDomain: 'bank.example' } })
    const twice = await check('From: a@example.com\r\nFrom: b@example.com\r\n\r\n', aligned)
    expect(twice.dmarc.result).toBe('permerror')
  })

  it('that names too many authors, or none that can be read, is a permanent error', async () => {
    const many = Array.from({ length: 6 }, (_, at) => `a@d${at}.example`).join(', ')
    expect((await check(`From: ${many}\r\n\r\n`, aligned)).dmarc.result).toBe('permerror')
    expect((await check('From: nobody\r\n\r\n', aligned)).dmarc.result).toBe('permerror')
    expect((await check('', aligned)).dmarc.result).toBe('permerror')
    expect((await check(' folded: first\r\n\r\n', aligned)).dkim).toEqual([])
  })

  it('waits for DNS no longer than the whole check may take', async () => {
    let time = 0
    const clock = { now: () => 0, steady: () => (time += 15_000) }
    const { spf } = await check('From: a@example.com\r\n\r\n', aligned, clock)
    expect(spf.result).toBe('temperror')
  })
})

describe('line ends of a stored message', () => {
  it('become CRLF and nothing else changes', () => {
    expect(withLineEnds(Buffer.from('a\nb\r\nc\r\rd\n')).toString()).toBe('a\r\nb\r\nc\r\rd\r\n')
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\r', '\n', '\r\n', 'x'), { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        expect(withLineEnds(Buffer.from(text)).toString()).toBe(text.replace(/(?<!\r)\n/g, '\r\n'))
      }),
    )
  })
})

describe('SPF beside mailauth', () => {
  const mechanism = fc.constantFrom(
    'a',
    'a:host.example.com',
    'a/24',
    'mx',
    'mx:example.com/24',
    'ip4:192.0.2.1',
    'ip4:192.0.2.0/24',
    'ip4:198.51.100.0/24',
    'ip6:2001:db8::/32',
    'include:pass.example.com',
    'include:fail.example.com',
    'exists:%{l}.host.example.com',
    'all',
    'exists:%{ir}.list.example.com',
    'include:slow.example.com',
    'include:none.example.com',
    'ip4:300.1.1.1',
    'a:',
  )
  const term = fc.tuple(fc.constantFrom('', '+', '-', '~', '?'), mechanism).map((parts) => parts.join(''))
  const record = fc
    .tuple(
      fc.array(term, { maxLength: 5 }),
      fc.constantFrom('', ' redirect=pass.example.com', ' redirect=none.example.com', ' x=y'),
    )
    .map(([terms, modifier]) => `v=spf1 ${terms.join(' ')}${modifier}`)
  const rest = {
    'host.example.com': { A: ['192.0.2.1', '192.0.2.9'] },
    'user.host.example.com': { A: ['127.0.0.2'] },
    '1.2.0.192.list.example.com': { A: ['127.0.0.2'] },
    'pass.example.com': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
    'fail.example.com': { TXT: ['v=spf1 ip4:198.51.100.1 -all'] },
    'slow.example.com': { otherwise: 'TIMEOUT' },
  }

  it('agrees on records of every mechanism', async () => {
    await fc.assert(
      fc.asyncProperty(record, fc.constantFrom('192.0.2.1', '192.0.2.77', '198.51.100.7'), async (text, address) => {
        const ip = parseIp(address)
        if (isSyntaxFault(ip)) throw new Error(ip.reason)
        const own = { TXT: [text], A: ['192.0.2.5'], MX: [{ preference: 1, exchange: 'host.example.com' }] }
        const resolver = zoneOf({ ...rest, 'example.com': own })
        const ours = await verifySpf({ ...peer, ip }, resolver, 0, null)
        const theirs = await mailauthSpf({
          sender: peer.mailFrom,
          ip,
          helo: peer.helo,
          resolver: forMailauth(resolver),
          strict: true,
        })
        expect(ours.result, `${text} for ${address}`).toBe((theirs as { status: { result: string } }).status.result)
      }),
      { numRuns: 300, seed: 7208 },
    )
  })
})

/** Our resolver in the form of node:dns, which is what mailauth takes. */
function forMailauth(resolver: Resolver): never {
  const resolve = async (name: string, type: 'TXT' | 'A' | 'AAAA' | 'MX' | 'PTR') => {
    const answer = await resolver.ask(type, name)
    if ('trouble' in answer) throw Object.assign(new Error('slow'), { code: 'ETIMEOUT' })
    if (answer.records.length === 0)
      throw Object.assign(new Error('none'), { code: answer.exists ? 'ENODATA' : 'ENOTFOUND' })
    return answer.records.map((one) =>
      type === 'TXT' ? [one] : typeof one === 'string' ? one : { priority: one.preference, exchange: one.exchange },
    )
  }
  return resolve as never
}
