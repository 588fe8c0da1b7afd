import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type IpAddress, parseIp } from '../names/ip.ts'
import type { DnsAnswer, DnsQuestion, RecordData, RecordType } from './inquiry.ts'

/** Type codes of RFC 1035 §3.2.2, RFC 3596 §2.1 and RFC 6698 §7.1. */
const codes: { readonly [Type in RecordType]: number } = { A: 1, NS: 2, PTR: 12, MX: 15, TXT: 16, AAAA: 28, TLSA: 52 }
const cnameCode = 5
const soaCode = 6
const internet = 1

/** An answer over UDP that is no longer than this travels whole on today's paths; resolvers cut longer ones off. */
const maxUdpOctets = 1232

/** More records than this in one answer are nobody's mail. */
const maxRecords = 512

const maxAliases = 10

/**
 * A query with recursion and the wish for the AD bit (RFC 6840 §5.7), with EDNS (RFC 6891) unless the server does not know it.
 * The name must be askable and ASCII.
 */
export function encodeQuery(id: number, { name, type }: DnsQuestion, edns = true): Buffer {
  const labels = name.split('.')
  const length =
    12 + labels.reduce((sum, label) => sum + 1 + Buffer.byteLength(label, 'latin1'), 1) + 4 + (edns ? 11 : 0)
  const query = Buffer.alloc(length)
  query.writeUInt16BE(id, 0)
  query.writeUInt16BE(0x0120, 2)
  query.writeUInt16BE(1, 4)
  query.writeUInt16BE(edns ? 1 : 0, 10)
  let at = 12
  for (const label of labels) {
    query[at] = query.write(label, at + 1, 'latin1')
    at += 1 + label.length
  }
  at = query.writeUInt8(0, at)
  at = query.writeUInt16BE(codes[type], at)
  at = query.writeUInt16BE(internet, at)
  if (!edns) return query
  // OPT: the root, type 41, our size for its class, no extended flags, no options.
  at = query.writeUInt8(0, at)
  at = query.writeUInt16BE(41, at)
  query.writeUInt16BE(maxUdpOctets, at)
  return query
}

/** What came back, as far as it matters. */
export type Response<Type extends RecordType = RecordType> =
  /** It did not fit and must be asked for again over TCP. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'failed'; readonly trouble: 'servfail' | 'refused' | 'malformed' }
  | {
      readonly kind: 'answered'
      readonly answer: DnsAnswer<Type>
      /** How long it holds, in seconds. Null: an absence without an SOA record, which must not be kept (RFC 2308 §5). */
      readonly secondsToLive: number | null
    }

/** Whether these octets are the response to that query: its id and its question, whatever else they hold. */
export function isResponseTo(bytes: Buffer, id: number, { name, type }: DnsQuestion): boolean {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || (bytes.readUInt16BE(2) & 0x8000) === 0) return false
  if (bytes.readUInt16BE(4) !== 1) return false
  const asked = readName(bytes, 12)
  if (asked === null || asked.end + 4 > bytes.length) return false
  return (
    asked.name === name.toLowerCase() &&
    bytes.readUInt16BE(asked.end) === codes[type] &&
    bytes.readUInt16BE(asked.end + 2) === internet
  )
}

/** Reads a response that `isResponseTo` knows. */
export function decodeResponse<Type extends RecordType>(
  bytes: Buffer,
  { name, type }: DnsQuestion<Type>,
): Response<Type> | SyntaxFault {
  const flags = bytes.readUInt16BE(2)
  if ((flags & 0x0200) !== 0) return { kind: 'truncated' }
  const code = flags & 0x000f
  if (code !== 0 && code !== 3) return { kind: 'failed', trouble: troubleOf(code) }
  const sections = readSections(bytes)
  if (isSyntaxFault(sections)) return sections
  const chain = followAliases(sections.answers, name.toLowerCase(), codes[type])
  if (isSyntaxFault(chain)) return chain
  const records: RecordData[Type][] = []
  for (const record of chain.records) {
    const data = readData(bytes, type, record)
    if (isSyntaxFault(data)) return data
    records.push(data)
  }
  // An alias exists, even when what it leads to does not (RFC 6604 §3).
  const exists = code === 0 || chain.aliases > 0
  const authentic = (flags & 0x0020) !== 0
  const answer = { records, exists, authentic, ...(chain.aliases > 0 ? { canonical: chain.owner } : {}) }
  const secondsToLive = records.length > 0 ? chain.ttl : absenceTtl(bytes, sections.authorities, chain.ttl)
  return { kind: 'answered', answer, secondsToLive }
}

function troubleOf(code: number): 'servfail' | 'refused' | 'malformed' {
  if (code === 5) return 'refused'
  return code === 1 || code === 4 ? 'malformed' : 'servfail'
}

type RawRecord = {
  readonly owner: string
  readonly type: number
  readonly ttl: number
  readonly from: number
  readonly to: number
  /** Of a CNAME. */
  readonly alias: string | null
}

type Sections = { readonly answers: readonly RawRecord[]; readonly authorities: readonly RawRecord[] }

function readSections(bytes: Buffer): Sections | SyntaxFault {
  const counts = [bytes.readUInt16BE(6), bytes.readUInt16BE(8)] as const
  if (counts[0] + counts[1] > maxRecords) return syntaxFault('the response has too many records')
  const question = readName(bytes, 12)
  if (question === null) return syntaxFault('the question is malformed')
  let at = question.end + 4
  const lists: [RawRecord[], RawRecord[]] = [[], []]
  for (const [index, count] of counts.entries()) {
    for (let left = count; left > 0; left--) {
      const record = readRecord(bytes, at)
      if (record === null) return syntaxFault('a record is malformed', at)
      at = record.to
      lists[index]?.push(record)
    }
  }
  return { answers: lists[0], authorities: lists[1] }
}

function readRecord(bytes: Buffer, at: number): RawRecord | null {
  const owner = readName(bytes, at)
  if (owner === null || owner.end + 10 > bytes.length) return null
  const type = bytes.readUInt16BE(owner.end)
  const isInternet = bytes.readUInt16BE(owner.end + 2) === internet
  // A set top bit is no time at all (RFC 2181 §8).
  const ttl = bytes.readInt32BE(owner.end + 4)
  const from = owner.end + 10
  const to = from + bytes.readUInt16BE(owner.end + 8)
  if (to > bytes.length) return null
  const alias = type === cnameCode ? readName(bytes, from) : null
  if (type === cnameCode && (alias === null || alias.end !== to)) return null
  return { owner: owner.name, type: isInternet ? type : 0, ttl: Math.max(0, ttl), from, to, alias: alias?.name ?? null }
}

type AliasChain = {
  readonly records: readonly RawRecord[]
  readonly ttl: number
  readonly aliases: number
  /** The name at its end. */
  readonly owner: string
}

/** The records at the end of the aliases that start at a name, and the shortest time that any of them holds. */
function followAliases(answers: readonly RawRecord[], name: string, type: number): AliasChain | SyntaxFault {
  let owner = name
  let ttl = Number.MAX_SAFE_INTEGER
  for (let aliases = 0; aliases <= maxAliases; aliases++) {
    const records = answers.filter((one) => one.owner === owner && one.type === type)
    for (const one of records) ttl = Math.min(ttl, one.ttl)
    if (records.length > 0) return { records, ttl, aliases, owner }
    const next = answers.find((one) => one.owner === owner && one.alias !== null)
    if (next === undefined || next.alias === null) return { records, ttl, aliases, owner }
    ttl = Math.min(ttl, next.ttl)
    owner = next.alias
  }
  return syntaxFault('the aliases do not end')
}

/** RFC 2308 §5: an absence holds as long as the SOA record that proves it, and no longer than its minimum says. */
function absenceTtl(bytes: Buffer, authorities: readonly RawRecord[], aliasTtl: number): number | null {
  const soa = authorities.find((one) => one.type === soaCode)
  if (soa === undefined || soa.to - soa.from < 22) return null
  return Math.min(aliasTtl, soa.ttl, bytes.readUInt32BE(soa.to - 4))
}

function readData<Type extends RecordType>(
  bytes: Buffer,
  type: Type,
  { from, to }: RawRecord,
): RecordData[Type] | SyntaxFault {
  const read = readers[type](bytes, from, to)
  return read === null ? syntaxFault('a record has malformed data', from) : read
}

const readers: { readonly [Type in RecordType]: (bytes: Buffer, from: number, to: number) => RecordData[Type] | null } =
  {
    A: (bytes, from, to) => (to - from === 4 ? address(bytes.subarray(from, to).join('.')) : null),
    AAAA: (bytes, from, to) => (to - from === 16 ? address(ipv6Text(bytes, from)) : null),
    NS: wholeName,
    PTR: wholeName,
    MX: (bytes, from, to) => {
      const exchange = to - from > 2 ? wholeName(bytes, from + 2, to) : null
      return exchange === null ? null : { preference: bytes.readUInt16BE(from), exchange }
    },
    TLSA: (bytes, from, to) =>
      to - from < 4
        ? null
        : {
            usage: bytes.readUInt8(from),
            selector: bytes.readUInt8(from + 1),
            matching: bytes.readUInt8(from + 2),
            data: bytes.toString('hex', from + 3, to),
          },
    TXT: (bytes, from, to) => {
      let text = ''
      for (let at = from; at < to;) {
        const end = at + 1 + (bytes[at] ?? 0)
        if (end > to) return null
        text += bytes.toString('latin1', at + 1, end)
        at = end
      }
      return text
    },
  }

function address(text: string): IpAddress | null {
  const ip = parseIp(text)
  return isSyntaxFault(ip) ? null : ip
}

function ipv6Text(bytes: Buffer, from: number): string {
  const words = Array.from({ length: 8 }, (_, word) => bytes.readUInt16BE(from + 2 * word).toString(16))
  return words.join(':')
}

function wholeName(bytes: Buffer, from: number, to: number): string | null {
  const read = readName(bytes, from)
  return read !== null && read.end === to ? read.name : null
}

/**
 * A name in lower case without its last dot, and where what follows it starts. An octet that could be taken for something else
 * in text is written as \DDD (RFC 1035 §5.1), so that two names are never one text. Pointers lead back only, so this ends.
 */
function readName(bytes: Buffer, start: number): { readonly name: string; readonly end: number } | null {
  const labels: string[] = []
  let at = start
  let end: number | null = null
  let length = 0
  let lowest = start
  for (;;) {
    const size = bytes[at]
    if (size === undefined) return null
    if (size === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    if (size >= 0xc0) {
      if (at + 2 > bytes.length) return null
      const target = bytes.readUInt16BE(at) & 0x3fff
      if (target >= lowest) return null
      end ??= at + 2
      at = lowest = target
      continue
    }
    if (size > 63 || at + 1 + size > bytes.length) return null
    length += size + 1
    if (length > 254) return null
    labels.push(labelText(bytes, at + 1, at + 1 + size))
    at += 1 + size
  }
}

function labelText(bytes: Buffer, from: number, to: number): string {
  return bytes
    .toString('latin1', from, to)
    .toLowerCase()
    .replace(/[^\x20-\x2d\x2f-\x5b\x5d-\x7e]/g, (octet) => `\\${String(octet.charCodeAt(0)).padStart(3, '0')}`)
}
