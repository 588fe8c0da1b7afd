import { isAskable } from '../standards/dns/inquiry.ts'
import type { DnsAnswer, DnsTrouble, RecordData, RecordType } from '../standards/dns/inquiry.ts'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../standards/fault.ts'
import { parseIp } from '../standards/names/ip.ts'
import type { Resolver } from './dns.ts'

/**
 * A whole DNS in a table: `{ "name": { "TXT": [...], "A": [...], "AAAA": [...], "MX": [{ "preference", "exchange" }],
 * "PTR": [...], "NS": [...], "TLSA": ["3 1 1 ..."], "CNAME": "...", "otherwise": "TIMEOUT" | "SERVFAIL" } }`. A name that is not
 * in it does not exist; a type that a name does not have is no data, unless `otherwise` says that asking for it fails.
 */
export type Zone = ReadonlyMap<string, ZoneName>

type ZoneName = {
  readonly records: { readonly [Type in RecordType]?: readonly RecordData[Type][] }
  readonly cname: string | null
  readonly otherwise: DnsTrouble['trouble'] | null
}

/** An alias that leads to more aliases than this leads nowhere. */
const maxAliases = 10

/** Reads what JSON gave. The fault names the entry. */
export function readZone(given: unknown): Zone | SyntaxFault {
  if (!isTable(given)) return syntaxFault('the zone is not an object of names')
  const zone = new Map<string, ZoneName>()
  for (const [name, entry] of Object.entries(given)) {
    const read = isTable(entry) ? readName(entry) : syntaxFault('it is not an object of records')
    if (isSyntaxFault(read)) return syntaxFault(`the zone entry ${JSON.stringify(name)}: ${read.reason}`)
    zone.set(plainName(name), read)
  }
  return zone
}

function readName(entry: Table): ZoneName | SyntaxFault {
  const records: { [Type in RecordType]?: readonly RecordData[Type][] } = {}
  let cname: string | null = null
  let otherwise: ZoneName['otherwise'] = null
  for (const [key, value] of Object.entries(entry)) {
    if (key === 'CNAME') {
      const target: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
      if (typeof target !== 'string') return syntaxFault('CNAME is not a name')
      cname = plainName(target)
    } else if (key === 'otherwise') {
      if (value !== 'TIMEOUT' && value !== 'SERVFAIL') return syntaxFault('otherwise is not TIMEOUT or SERVFAIL')
      otherwise = value === 'TIMEOUT' ? 'timeout' : 'servfail'
    } else if (!isRecordType(key)) {
      // Other types may stand here: nobody asks for them.
      if (!/^[A-Z][A-Z0-9]*$/.test(key)) return syntaxFault(`${JSON.stringify(key)} is not a type of record`)
    } else {
      const read = readRecords(key, value)
      if (isSyntaxFault(read)) return read
      Object.assign(records, { [key]: read })
    }
  }
  return { records, cname, otherwise }
}

function readRecords(type: RecordType, given: unknown): readonly RecordData[RecordType][] | SyntaxFault {
  if (!Array.isArray(given)) return syntaxFault(`${type} is not a list`)
  const records: RecordData[RecordType][] = []
  for (const one of given as readonly unknown[]) {
    const record = readRecord[type](one)
    if (record === null) return syntaxFault(`a record of type ${type} is malformed`)
    records.push(record)
  }
  return records
}

const readRecord: { readonly [Type in RecordType]: (given: unknown) => RecordData[Type] | null } = {
  // A record of several strings is a list of them.
  TXT: (given) => (Array.isArray(given) ? joined(given) : asText(given)),
  A: (given) => readAddress(given, false),
  AAAA: (given) => readAddress(given, true),
  MX: (given) => {
    if (!isTable(given)) return null
    const { preference, exchange } = given
    return typeof preference === 'number' && typeof exchange === 'string'
      ? { preference, exchange: plainName(exchange) }
      : null
  },
  PTR: (given) => (typeof given === 'string' ? plainName(given) : null),
  NS: (given) => (typeof given === 'string' ? plainName(given) : null),
  TLSA: (given) => (typeof given === 'string' ? readTlsa(given) : null),
}

function isRecordType(key: string): key is RecordType {
  return Object.hasOwn(readRecord, key)
}

/** `3 1 1 d2abde24...`, as in a zone file (RFC 6698 §2.2). */
function readTlsa(given: string): RecordData['TLSA'] | null {
  const numbers = /^([0-9]{1,3}) ([0-9]{1,3}) ([0-9]{1,3}) ((?:[0-9a-fA-F]{2})+)$/.exec(given)
  if (numbers === null) return null
  const [usage = 0, selector = 0, matching = 0] = numbers.slice(1, 4).map(Number)
  return { usage, selector, matching, data: (numbers[4] ?? '').toLowerCase() }
}

function joined(strings: readonly unknown[]): string | null {
  return strings.every((one) => typeof one === 'string') ? strings.join('') : null
}

function asText(given: unknown): string | null {
  return typeof given === 'string' ? given : null
}

function readAddress(given: unknown, six: boolean): RecordData['A'] | null {
  if (typeof given !== 'string' || given.includes(':') !== six) return null
  const address = parseIp(given)
  return isSyntaxFault(address) ? null : address
}

type Table = { readonly [key: string]: unknown }

function isTable(given: unknown): given is Table {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}

function plainName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

/** DNS as a zone has it, aliases followed. */
export function zoneResolver(zone: Zone): Resolver {
  return {
    ask: (type, name) => Promise.resolve(isAskable(name) ? answerFrom(zone, type, plainName(name)) : absent),
  }
}

const absent = { records: [], exists: false, authentic: false } as const

function answerFrom<Type extends RecordType>(zone: Zone, type: Type, name: string): DnsAnswer<Type> | DnsTrouble {
  let at = name
  for (let aliases = 0; aliases <= maxAliases; aliases++) {
    const entry = zone.get(at)
    // An alias exists, even when what it leads to does not (RFC 6604 §3).
    if (entry === undefined) return aliases === 0 ? absent : { ...absent, exists: true }
    const records = entry.records[type]
    if (records !== undefined) return { records, exists: true, authentic: false }
    if (entry.cname === null) {
      return entry.otherwise === null
        ? { records: [], exists: true, authentic: false }
        : { trouble: entry.otherwise, name }
    }
    at = entry.cname
  }
  return { trouble: 'servfail', name }
}
