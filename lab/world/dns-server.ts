import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Server, createServer } from 'node:net'
import packet from 'dns-packet'
import type { Zone, ZoneName } from './zone.ts'

/** A name server on loopback that answers from a zone which may change while it runs. */
export type DnsServer = {
  readonly address: string
  readonly zone: Zone
  close(): Promise<void>
}

const authoritativeAnswer = packet.AUTHORITATIVE_ANSWER

/** Starts the server over UDP and TCP on one port of 127.0.0.1, a free one unless it is given. */
export async function startDnsServer(zone: Zone, wantedPort = 0): Promise<DnsServer> {
  const udp = createSocket('udp4')
  udp.on('message', (query, from) => {
    const answer = answerTo(query, zone)
    if (answer === null) return
    const full = packet.encode(answer)
    // Past 512 octets a plain client must come again over TCP (RFC 1035 §4.2.1).
    const fits = full.length <= 1232
    udp.send(
      fits ? full : packet.encode({ ...answer, flags: (answer.flags ?? 0) | packet.TRUNCATED_RESPONSE, answers: [] }),
      from.port,
      from.address,
    )
  })
  udp.bind(wantedPort, '127.0.0.1')
  await once(udp, 'listening')
  const { port } = udp.address()
  const tcp = await startTcp(port, zone)
  return { address: `127.0.0.1:${port}`, zone, close: () => close(udp, tcp) }
}

async function startTcp(port: number, zone: Zone): Promise<Server> {
  const tcp = createServer((socket) => {
    let pending = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      pending = Buffer.concat([pending, data])
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0)
        const answer = answerTo(pending.subarray(2, 2 + length), zone)
        pending = pending.subarray(2 + length)
        if (answer !== null) socket.write(packet.streamEncode(answer))
      }
    })
  })
  tcp.listen(port, '127.0.0.1')
  await once(tcp, 'listening')
  return tcp
}

async function close(udp: Socket, tcp: Server): Promise<void> {
  udp.close()
  tcp.close()
  await Promise.all([once(udp, 'close'), once(tcp, 'close')])
}

/** null leaves the client waiting. */
function answerTo(query: Buffer, zone: Zone): packet.Packet | null {
  let asked: packet.DecodedPacket
  try {
    asked = packet.decode(query)
  } catch {
    return null
  }
  const question = asked.questions?.[0]
  if (question === undefined) return null
  const base = {
    type: 'response' as const,
    id: asked.id ?? 0,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | authoritativeAnswer,
  }
  const answers: packet.Answer[] = []
  let name = question.name.toLowerCase()
  let isAuthentic = true
  for (let hops = 0; hops < 8; hops++) {
    const found = lookUp(zone, name)
    if (found === undefined)
      return { ...base, questions: [question], answers, flags: base.flags | (answers.length === 0 ? nxdomain : 0) }
    if (found.CNAME !== undefined && question.type !== 'CNAME') {
      answers.push({ type: 'CNAME', name, ttl: 1, data: found.CNAME })
      isAuthentic &&= found.authentic === true
      name = found.CNAME.toLowerCase()
      continue
    }
    const records = recordsOf(found, name, question.type)
    if (records.length === 0 && found.otherwise === 'TIMEOUT') return null
    if (records.length === 0 && found.otherwise === 'SERVFAIL')
      return { ...base, questions: [question], flags: base.flags | servfail }
    isAuthentic &&= found.authentic === true
    const flags = base.flags | (isAuthentic ? packet.AUTHENTIC_DATA : 0)
    return { ...base, flags, questions: [question], answers: [...answers, ...records] }
  }
  return { ...base, questions: [question], flags: base.flags | servfail }
}

const servfail = 2
const nxdomain = 3

function lookUp(zone: Zone, name: string): ZoneName | undefined {
  return Object.hasOwn(zone, name) ? zone[name] : undefined
}

function recordsOf(found: ZoneName, name: string, type: string): packet.Answer[] {
  const common = { name, ttl: 1 }
  switch (type) {
    case 'TXT':
      return (found.TXT ?? []).map((text) => ({ ...common, type: 'TXT', data: characterStrings(text) }))
    case 'A':
      return (found.A ?? []).map((data) => ({ ...common, type: 'A', data }))
    case 'AAAA':
      return (found.AAAA ?? []).map((data) => ({ ...common, type: 'AAAA', data }))
    case 'PTR':
      return (found.PTR ?? []).map((data) => ({ ...common, type: 'PTR', data }))
    case 'NS':
      return (found.NS ?? []).map((data) => ({ ...common, type: 'NS', data }))
    case 'CNAME':
      return found.CNAME === undefined ? [] : [{ ...common, type: 'CNAME', data: found.CNAME }]
    case 'MX':
      return (found.MX ?? []).map((data) => ({ ...common, type: 'MX', data }))
    case 'TLSA':
      return (found.TLSA ?? []).map((text) => ({ ...common, type: 'TLSA', data: tlsaOf(text) }))
    default:
      return []
  }
}

function tlsaOf(text: string): packet.TlsaData {
  const [usage, selector, matchingType, data = ''] = text.split(' ')
  return {
    usage: Number(usage),
    selector: Number(selector),
    matchingType: Number(matchingType),
    certificate: Buffer.from(data, 'hex'),
  }
}

/** A TXT record is strings of at most 255 octets (RFC 1035 §3.3). */
function characterStrings(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length || at === 0; at += 255) parts.push(bytes.subarray(at, at + 255))
  return parts
}
