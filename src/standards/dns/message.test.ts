import dnsPacket, { type Answer, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import type { RecordType } from './inquiry.ts'
import { decodeResponse, encodeQuery, isResponseTo } from './message.ts'

const responseTo = (
  name: string,
  type: RecordType,
  answers: readonly Answer[],
  more: { readonly rcode?: number; readonly flags?: number; readonly authorities?: Answer[] } = {},
): Buffer =>
  dnsPacket.encode({
    type: 'response',
    id: 7,
    flags: (more.flags ?? 0) | (more.rcode ?? 0),
    questions: [{ name, type }],
    answers: [...answers],
    authorities: more.authorities ?? [],
  })

const decoded = (name: string, type: RecordType, bytes: Buffer) => decodeResponse(bytes, { name, type })

const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})

const tlsa = (hex: string) => ({ usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from(hex, 'hex') })

describe('a query', () => {
  it('reads as what was asked, with recursion, the AD bit and EDNS', () => {
    const query = dnsPacket.decode(encodeQuery(513, { name: '_dmarc.a.example', type: 'TXT' })) as Packet & {
      readonly flag_ad: boolean
      readonly flag_rd: boolean
    }
    expect(query.id).toBe(513)
    expect(query.questions).toEqual([{ name: '_dmarc.a.example', type: 'TXT', class: 'IN' }])
    expect([query.flag_rd, query.flag_ad]).toEqual([true, true])
    expect(query.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }])
    expect(dnsPacket.decode(encodeQuery(1, { name: 'a.example', type: 'MX' }, false)).additionals).toEqual([])
  })
})

describe('a response', () => {
  it('is one only to its own id and question', () => {
    const bytes = responseTo('A.example', 'TXT', [])
    expect(isResponseTo(bytes, 7, { name: 'a.example', type: 'TXT' })).toBe(true)
    expect(isResponseTo(bytes, 8, { name: 'a.example', type: 'TXT' })).toBe(false)
    expect(isResponseTo(bytes, 7, { name: 'b.example', type: 'TXT' })).toBe(false)
    expect(isResponseTo(bytes, 7, { name: 'a.example', type: 'MX' })).toBe(false)
    expect(
      isResponseTo(encodeQuery(7, { name: 'a.example', type: 'TXT' }), 7, { name: 'a.example', type: 'TXT' }),
    ).toBe(false)
  })

  it('tells what a TLSA record says, and that a short one says nothing', () => {
    const answers = (data: string): Answer[] => [
      { type: 'TLSA', name: '_25._tcp.mx.example', ttl: 60, data: tlsa(data) } as unknown as Answer,
    ]
    const name = '_25._tcp.mx.example'
    expect(decoded(name, 'TLSA', responseTo(name, 'TLSA', answers('d2ab')))).toMatchObject({
      answer: { records: [{ usage: 3, selector: 1, matching: 1, data: 'd2ab' }] },
    })
    expect(isSyntaxFault(decoded(name, 'TLSA', responseTo(name, 'TLSA', answers(''))))).toBe(true)
  })

  it('tells records, the shortest time to live on the way, and the AD bit', () => {
    const bytes = responseTo(
      'www.example',
      'A',
      [
        { type: 'CNAME', name: 'www.example', ttl: 60, data: 'Host.Example' },
        { type: 'A', name: 'host.example', ttl: 300, data: '192.0.2.1' },
        { type: 'A', name: 'other.example', ttl: 5, data: '192.0.2.2' },
      ],
      { flags: dnsPacket.AUTHENTIC_DATA },
    )
    expect(decoded('www.example', 'A', bytes)).toEqual({
      kind: 'answered',
      answer: { records: ['192.0.2.1'], exists: true, authentic: true, canonical: 'host.example' },
      secondsToLive: 60,
    })
  })

  it('reads every type as the other reader does', () => {
    const answers: readonly [RecordType, Answer, unknown][] = [
      ['TXT', { type: 'TXT', name: 'a.example', data: ['v=spf1 ', '-all'] }, 'v=spf1 -all'],
      ['AAAA', { type: 'AAAA', name: 'a.example', data: '2001:db8::1' }, '2001:db8::1'],
      [
        'MX',
        { type: 'MX', name: 'a.example', data: { preference: 10, exchange: 'MX.example' } },
        { preference: 10, exchange: 'mx.example' },
      ],
      [
        'MX',
        { type: 'MX', name: 'a.example', data: { preference: 0, exchange: '.' } },
        { preference: 0, exchange: '' },
      ],
      ['PTR', { type: 'PTR', name: 'a.example', data: 'Host.example' }, 'host.example'],
      ['NS', { type: 'NS', name: 'a.example', data: 'ns.example' }, 'ns.example'],
    ]
    for (const [type, answer, record] of answers)
      expect(decoded('a.example', type, responseTo('a.example', type, [answer]))).toMatchObject({
        answer: { records: [record] },
      })
  })

  it('holds an absence for as long as its SOA says, and not at all without one', () => {
    const missing = (authorities: Answer[], rcode: number) =>
      decoded('a.example', 'A', responseTo('a.example', 'A', [], { authorities, rcode }))
    expect(missing([soa(900, 300)], 3)).toMatchObject({ answer: { records: [], exists: false }, secondsToLive: 300 })
    expect(missing([soa(200, 300)], 0)).toMatchObject({ answer: { records: [], exists: true }, secondsToLive: 200 })
    expect(missing([], 3)).toMatchObject({ answer: { exists: false }, secondsToLive: null })
  })

  it('keeps an alias that leads nowhere apart from a name that does not exist', () => {
    const alias: Answer = { type: 'CNAME', name: 'a.example', ttl: 9, data: 'gone.example' }
    const bytes = responseTo('a.example', 'A', [alias], { rcode: 3, authorities: [soa(900, 900)] })
    expect(decoded('a.example', 'A', bytes)).toMatchObject({ answer: { records: [], exists: true }, secondsToLive: 9 })
  })

  it('is a fault when its aliases go in circles, and trouble by its code', () => {
    const circle: Answer[] = [
      { type: 'CNAME', name: 'a.example', data: 'b.example' },
      { type: 'CNAME', name: 'b.example', data: 'a.example' },
    ]
    expect(isSyntaxFault(decoded('a.example', 'A', responseTo('a.example', 'A', circle)))).toBe(true)
    const failed = (rcode: number) => decoded('a.example', 'A', responseTo('a.example', 'A', [], { rcode }))
    expect([2, 5, 1].map(failed)).toEqual(
      ['servfail', 'refused', 'malformed'].map((trouble) => ({ kind: 'failed', trouble })),
    )
    const cut = responseTo('a.example', 'A', [], { flags: dnsPacket.TRUNCATED_RESPONSE })
    expect(decoded('a.example', 'A', cut)).toEqual({ kind: 'truncated' })
  })

  it('never throws, whatever octets come', () => {
    const honest = responseTo(
      'a.example',
      'MX',
      [
        { type: 'CNAME', name: 'a.example', data: 'b.example' },
        { type: 'MX', name: 'b.example', data: { preference: 1, exchange: 'mx.b.example' } },
      ],
      { authorities: [soa(1, 1)] },
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(honest.length),
        (changes, length) => {
          const bytes = Buffer.from(honest)
          for (const [at, octet] of changes) bytes[at] = octet
          const cut = bytes.subarray(0, length)
          if (!isResponseTo(cut, 7, { name: 'a.example', type: 'MX' })) return
          const read = decoded('a.example', 'MX', cut)
          expect(isSyntaxFault(read) || 'kind' in read).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
