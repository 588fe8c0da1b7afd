import { createSocket, type Socket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import dnsPacket, { type Answer, type Packet } from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { dnsAt, systemDns } from './dns-system.ts'

type Reaction = {
  readonly answers?: Answer[]
  readonly rcode?: number
  readonly silent?: true
  readonly garbage?: true
  readonly overTcp?: Answer[]
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A DNS server on loopback that answers from a script of `TYPE name` to reaction; anything else is NXDOMAIN. */
async function server(script: {
  [question: string]: Reaction
}): Promise<{ readonly at: string; readonly asked: string[]; readonly script: typeof script }> {
  const asked: string[] = []
  const udp = createSocket('udp4')
  const reactionTo = (query: Packet): Reaction => {
    const question = query.questions?.[0]
    const key = `${question?.type} ${question?.name.toLowerCase()}`
    asked.push(key)
    return script[key] ?? { rcode: 3 }
  }
  udp.on('message', (bytes, peer) => {
    const query = dnsPacket.decode(bytes)
    const reaction = reactionTo(query)
    if (reaction.silent) return
    const answer = respond(query, reaction)
    udp.send(reaction.garbage ? answer.subarray(0, 7) : answer, peer.port, peer.address)
  })
  const port = await bind(udp)
  const tcp = createServer((socket) => {
    socket.on('data', (bytes) => {
      const query = dnsPacket.decode(bytes.subarray(2))
      const answer = respond(query, { answers: reactionTo(query).overTcp ?? [] })
      socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]))
    })
  })
  await listen(tcp, port)
  open.push(udp, tcp)
  return { at: `127.0.0.1:${port}`, asked, script }
}

function respond(query: Packet, reaction: Reaction): Buffer {
  const flags =
    dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | (reaction.overTcp ? dnsPacket.TRUNCATED_RESPONSE : 0)
  return dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: flags | (reaction.rcode ?? 0),
    questions: query.questions ?? [],
    answers: reaction.answers ?? [],
  })
}

function bind(socket: Socket): Promise<number> {
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)))
}

function listen(tcp: Server, port: number): Promise<void> {
  return new Promise((resolve) => tcp.listen(port, '127.0.0.1', resolve))
}

describe('systemDns', () => {
  it('answers each kind of record in canonical form', async () => {
    const { at } = await server({
      'TXT a.example': { answers: [{ type: 'TXT', name: 'a.example', data: ['v=spf1 ', 'include:b.example'] }] },
      'MX a.example': {
        answers: [
          { type: 'MX', name: 'a.example', data: { preference: 20, exchange: 'Mx2.A.Example' } },
          { type: 'MX', name: 'a.example', data: { preference: 10, exchange: 'mx1.a.example' } },
        ],
      },
      'A a.example': { answers: [{ type: 'A', name: 'a.example', data: '192.0.2.7' }] },
      'AAAA a.example': { answers: [{ type: 'AAAA', name: 'a.example', data: '2001:db8:0:0:0:0:0:1' }] },
      'NS a.example': { answers: [{ type: 'NS', name: 'a.example', data: 'NS1.a.example' }] },
      'PTR 7.2.0.192.in-addr.arpa': { answers: [{ type: 'PTR', name: '7.2.0.192.in-addr.arpa', data: 'a.example' }] },
      'PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': {
        answers: [
          {
            type: 'PTR',
            name: '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
            data: 'six.example',
          },
        ],
      },
    })
    const dns = systemDns([at], 2000)
    expect(await dns.txt('a.example')).toEqual(['v=spf1 include:b.example'])
    expect([...((await dns.mx('a.example')) as [])].toSorted(byPreference)).toEqual([
      { preference: 10, exchange: 'mx1.a.example' },
      { preference: 20, exchange: 'mx2.a.example' },
    ])
    expect(await dns.addresses('a.example')).toEqual(['192.0.2.7', '2001:db8::1'])
    expect(await dns.addresses('a.example', 6)).toEqual(['2001:db8::1'])
    expect(await dns.ns('a.example')).toEqual(['ns1.a.example'])
    expect(await dns.ptr('192.0.2.7')).toEqual(['a.example'])
    expect(await dns.ptr('2001:db8::1')).toEqual(['six.example'])
  })

  it('gives the root of a null MX as an empty exchange', async () => {
    const { at } = await server({
      'MX no.example': { answers: [{ type: 'MX', name: 'no.example', data: { preference: 0, exchange: '.' } }] },
    })
    expect(await systemDns([at], 2000).mx('no.example')).toEqual([{ preference: 0, exchange: '' }])
  })

  it('answers absence, and only absence, with an empty list', async () => {
    const { at } = await server({ 'TXT nodata.example': { answers: [] } })
    const dns = systemDns([at], 2000)
    expect(await dns.txt('nodata.example')).toEqual([])
    expect(await dns.txt('nxdomain.example')).toEqual([])
    expect(await dns.addresses('nxdomain.example')).toEqual([])
  })

  it('names each kind of trouble', async () => {
    const { at } = await server({
      'TXT servfail.example': { rcode: 2 },
      'TXT refused.example': { rcode: 5 },
      'TXT silent.example': { silent: true },
      'TXT garbage.example': { garbage: true },
    })
    const dns = systemDns([at], 400)
    expect(await dns.txt('servfail.example')).toEqual({ trouble: 'servfail', name: 'servfail.example' })
    expect(await dns.txt('refused.example')).toEqual({ trouble: 'refused', name: 'refused.example' })
    expect(await dns.txt('silent.example')).toEqual({ trouble: 'timeout', name: 'silent.example' })
    expect(await dns.txt('garbage.example')).toHaveProperty('trouble')
    expect(await dns.txt(`${'a'.repeat(70)}.example`)).toHaveProperty('trouble')
    expect(await dns.ptr('not an address')).toEqual({ trouble: 'malformed', name: 'not an address' })
  })

  it('never waits longer than its time, however many servers are silent', async () => {
    const silent = { 'TXT a.example': { silent: true } } as const
    const servers = await Promise.all([server(silent), server(silent), server(silent)])
    const started = performance.now()
    expect(
      await systemDns(
        servers.map((one) => one.at),
        300,
      ).txt('a.example'),
    ).toEqual({ trouble: 'timeout', name: 'a.example' })
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('is in trouble about addresses when one family is, and still answers for the other alone', async () => {
    const { at } = await server({
      'A half.example': { answers: [{ type: 'A', name: 'half.example', data: '192.0.2.1' }] },
      'AAAA half.example': { rcode: 2 },
    })
    const dns = systemDns([at], 2000)
    expect(await dns.addresses('half.example')).toEqual({ trouble: 'servfail', name: 'half.example' })
    expect(await dns.addresses('half.example', 4)).toEqual(['192.0.2.1'])
  })

  it('goes on over TCP when an answer is truncated', async () => {
    const { at } = await server({
      'TXT long.example': {
        overTcp: [{ type: 'TXT', name: 'long.example', data: ['x'.repeat(200), 'y'.repeat(200)] }],
      },
    })
    expect(await systemDns([at], 2000).txt('long.example')).toEqual([`${'x'.repeat(200)}${'y'.repeat(200)}`])
  })

  it('keeps nothing: a changed record is seen by the next question', async () => {
    const { at, script } = await server({
      'TXT k.example': { answers: [{ type: 'TXT', name: 'k.example', ttl: 3600, data: 'old' }] },
    })
    const dns = systemDns([at], 2000)
    expect(await dns.txt('k.example')).toEqual(['old'])
    script['TXT k.example'] = { answers: [{ type: 'TXT', name: 'k.example', ttl: 3600, data: 'new' }] }
    expect(await dns.txt('k.example')).toEqual(['new'])
  })

  it('asks one server and no other through dnsAt', async () => {
    const one = await server({ 'TXT a.example': { answers: [{ type: 'TXT', name: 'a.example', data: 'one' }] } })
    const other = await server({ 'TXT a.example': { answers: [{ type: 'TXT', name: 'a.example', data: 'other' }] } })
    expect(await dnsAt(other.at, 2000).txt('a.example')).toEqual(['other'])
    expect(one.asked).toEqual([])
  })
})

function byPreference(a: { readonly preference: number }, b: { readonly preference: number }): number {
  return a.preference - b.preference
}
