import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import dnsPacket, { type Packet } from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { dnsClient } from './dns-client.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A server on loopback that sends, for each query, whatever this makes of it. */
async function server(
  answer: (query: Packet) => readonly Buffer[],
): Promise<{ readonly at: string; readonly heard: Packet[] }> {
  const heard: Packet[] = []
  const socket = createSocket('udp4')
  socket.on('message', (bytes, peer) => {
    const query = dnsPacket.decode(bytes)
    heard.push(query)
    for (const one of answer(query)) socket.send(one, peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  open.push(socket)
  return { at: `127.0.0.1:${socket.address().port}`, heard }
}

const reply = (query: Packet, text: string, changes: Packet = {}): Buffer =>
  dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: dnsPacket.RECURSION_AVAILABLE,
    questions: query.questions ?? [],
    answers: [{ type: 'TXT', name: query.questions?.[0]?.name ?? '', ttl: 90, data: text }],
    ...changes,
  })

describe('a client of recursive servers', () => {
  it('tells the time to live and the AD bit', async () => {
    const { at } = await server((query) => [reply(query, 'x', { flags: dnsPacket.AUTHENTIC_DATA })])
    expect(await dnsClient([at], 2000).fetch('TXT', 'A.example.')).toMatchObject({
      answer: { records: ['x'], exists: true, authentic: true },
      secondsToLive: 90,
    })
  })

  it('goes on waiting after an answer with another id or question, and takes the real one', async () => {
    const { at } = await server((query) => [
      reply(query, 'forged', { id: ((query.id ?? 0) + 1) & 0xffff }),
      reply(query, 'forged', { questions: [{ type: 'TXT', name: 'b.example' }] }),
      Buffer.from('nonsense'),
      reply(query, 'real'),
    ])
    expect(await dnsClient([at], 2000).ask('TXT', 'a.example')).toMatchObject({ records: ['real'] })
  })

  it('asks without EDNS where a server does not understand it', async () => {
    const { at, heard } = await server((query) =>
      (query.additionals ?? []).length > 0 ? [reply(query, '', { answers: [], flags: 1 })] : [reply(query, 'old')],
    )
    expect(await dnsClient([at], 2000).ask('TXT', 'a.example')).toMatchObject({ records: ['old'] })
    expect(heard).toHaveLength(2)
  })

  it('asks the next server when one fails', async () => {
    const broken = await server((query) => [reply(query, '', { answers: [], flags: 2 })])
    const sound = await server((query) => [reply(query, 'x')])
    expect(await dnsClient([broken.at, sound.at], 3000).ask('TXT', 'a.example')).toMatchObject({ records: ['x'] })
  })

  it('gives each query an id of its own', async () => {
    const { at, heard } = await server((query) => [reply(query, 'x')])
    const client = dnsClient([at], 2000)
    for (let left = 8; left > 0; left--) await client.ask('TXT', 'a.example')
    expect(new Set(heard.map(({ id }) => id)).size).toBeGreaterThan(4)
  })

  it('takes addresses of servers with a port or without, and nothing else', () => {
    for (const at of ['192.0.2.1', '192.0.2.1:5353', '::1', '2001:db8::53', '[::1]:5353', '[2001:db8::1]'])
      expect(() => dnsClient([at], 100)).not.toThrow()
    for (const at of ['', 'resolver.example', '192.0.2.1:99999', '[192.0.2.1', '192.0.2'])
      expect(() => dnsClient([at], 100)).toThrow()
  })
})
