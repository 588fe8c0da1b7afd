import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'
import { type DnsQuestion, type DnsTrouble, type RecordType, isAskable } from '../standards/dns/inquiry.ts'
import { type Response, decodeResponse, encodeQuery, isResponseTo } from '../standards/dns/message.ts'
import { isSyntaxFault } from '../standards/fault.ts'
import { askOverTcp } from './dns-tcp.ts'
import type { DnsAnswer, Resolver } from './dns.ts'

/** An answer with the time for which it holds, for who keeps answers. */
export type TimedAnswer<Type extends RecordType = RecordType> = {
  readonly answer: DnsAnswer<Type>
  /** Null: not to be kept at all (RFC 2308 §5). */
  readonly secondsToLive: number | null
}

/** A resolver that tells how long each answer holds. */
export interface DnsClient extends Resolver {
  fetch<Type extends RecordType>(type: Type, name: string): Promise<TimedAnswer<Type> | DnsTrouble>
}

export type Server = { readonly host: string; readonly port: number }

/** Each server is asked as often as this. */
const rounds = 2

/** More servers than this are not asked. */
const maxServers = 3

/**
 * A stub resolver: asks recursive servers (`address` or `address:port`, IPv6 in brackets with a port; an empty list: the system's)
 * over UDP, and over TCP where the answer is too long. Each query has a socket and an id of its own. No answer takes longer than
 * `timeoutMs` milliseconds. Nothing is kept.
 * @throws when a server is not an address.
 */
export function dnsClient(servers: readonly string[], timeoutMs: number): DnsClient {
  const given = serversOf(servers)
  const fetch = async <Type extends RecordType>(type: Type, name: string): Promise<TimedAnswer<Type> | DnsTrouble> => {
    const plain = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
    if (!isAskable(plain) || /[^\x20-\x7e]/.test(plain)) return { trouble: 'malformed', name }
    return fetchFrom(given, { type, name: plain }, timeoutMs)
  }
  return {
    fetch,
    ask: async (type, name) => {
      const fetched = await fetch(type, name)
      return 'trouble' in fetched ? fetched : fetched.answer
    },
  }
}

/** The addresses of the servers that `dnsClient` asks, without their ports. Throws when one is not an address. */
export function resolverAddresses(servers: readonly string[]): readonly string[] {
  return serversOf(servers).map(({ host }) => host)
}

function serversOf(servers: readonly string[]): readonly Server[] {
  return (servers.length > 0 ? servers : getServers()).map(readServer).slice(0, maxServers)
}

function readServer(text: string): Server {
  const withPort = /^\[([^\]]+)\](?::([0-9]{1,5}))?$/.exec(text) ?? /^([^:]+)(?::([0-9]{1,5}))?$/.exec(text)
  const [, host = '', port = '53'] = isIPv6(text) ? [text, text] : (withPort ?? [])
  if (isIP(host) === 0 || Number(port) > 65_535) throw new Error(`not the address of a DNS server: ${text}`)
  return { host, port: Number(port) }
}

/** One server after the other until one answers; what the last one said is the trouble. */
async function fetchFrom<Type extends RecordType>(
  servers: readonly Server[],
  question: DnsQuestion<Type>,
  timeoutMs: number,
): Promise<TimedAnswer<Type> | DnsTrouble> {
  const end = performance.now() + timeoutMs
  const wait = Math.max(1, Math.floor(timeoutMs / (rounds * Math.max(1, servers.length) + 1)))
  let trouble: DnsTrouble = { trouble: 'timeout', name: question.name }
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const left = end - performance.now()
      if (left <= 0) return trouble
      const isLast = round === rounds - 1 && server === servers.at(-1)
      const response = await askServer(server, question, Math.min(left, isLast ? left : wait))
      if (response.kind === 'answered') return response
      trouble = { trouble: response.trouble, name: question.name }
      // What a server says in plain words it will say again.
      if (response.trouble !== 'timeout' && servers.length === 1) return trouble
    }
  }
  return trouble
}

type Said<Type extends RecordType> =
  | Extract<Response<Type>, { kind: 'answered' }>
  | { readonly kind: 'failed'; readonly trouble: DnsTrouble['trouble'] }

async function askServer<Type extends RecordType>(
  server: Server,
  question: DnsQuestion<Type>,
  waitMs: number,
): Promise<Said<Type>> {
  const end = performance.now() + waitMs
  const left = () => Math.max(1, end - performance.now())
  const overUdp = async (edns: boolean) => {
    const bytes = await askOverUdp(server, question, edns, left())
    return typeof bytes === 'string' ? ({ kind: 'failed', trouble: bytes } as const) : read(bytes, question)
  }
  let first = await overUdp(true)
  // A server that does not know EDNS says that it does not understand (RFC 6891 §7).
  if (first.kind === 'failed' && first.trouble === 'malformed') first = await overUdp(false)
  if (first.kind !== 'truncated') return first
  const overTcp = await askOverTcp(server, (id) => encodeQuery(id, question), left())
  if (typeof overTcp === 'string') return { kind: 'failed', trouble: overTcp }
  if (!isResponseTo(overTcp.bytes, overTcp.id, question)) return { kind: 'failed', trouble: 'malformed' }
  const second = read(overTcp.bytes, question)
  return second.kind === 'truncated' ? { kind: 'failed', trouble: 'malformed' } : second
}

function read<Type extends RecordType>(bytes: Buffer, question: DnsQuestion<Type>): Response<Type> {
  const response = decodeResponse(bytes, question)
  return isSyntaxFault(response) ? { kind: 'failed', trouble: 'malformed' } : response
}

function askOverUdp(
  server: Server,
  question: DnsQuestion,
  edns: boolean,
  waitMs: number,
): Promise<Buffer | DnsTrouble['trouble']> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4')
    let garbled = false
    const finish = (result: Buffer | DnsTrouble['trouble']): void => {
      clearTimeout(timer)
      socket.close()
      socket.removeAllListeners()
      // A late error of a socket that is going away concerns nobody.
      socket.on('error', () => {})
      resolve(result)
    }
    const timer = setTimeout(() => finish(garbled ? 'malformed' : 'timeout'), waitMs)
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'servfail'))
    socket.on('message', (bytes) => {
      // What is not the answer to this query may be a forger's try: go on waiting for the real one.
      if (isResponseTo(bytes, id, question)) finish(bytes)
      else garbled = true
    })
    // Connected, the socket hears that server alone.
    socket.connect(server.port, server.host, () => socket.send(encodeQuery(id, question, edns)))
  })
}
