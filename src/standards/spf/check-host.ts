import { isSyntaxFault } from '../fault.ts'
import {
  type DnsAnswer,
  type DnsTrouble,
  type Inquiry,
  type RecordType,
  ask,
  isAskable,
  isDnsTrouble,
} from '../dns/inquiry.ts'
import { type IpAddress, bitsOf, networkContains, parseIp } from '../names/ip.ts'
import { reverseName } from '../names/reverse.ts'
import {
  type MacroString,
  type MacroValues,
  expandMacros,
  expandToName,
  parseMacroString,
  usesClientName,
} from './macro.ts'
import {
  type IpBlock,
  type Mechanism,
  type Prefixes,
  type Qualifier,
  type SpfRecord,
  isSpfRecord,
  parseSpfRecord,
} from './record.ts'

/** The words of RFC 8601 §2.7.2 for SPF. */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'

export type SpfOutcome = {
  readonly result: SpfResult
  /** Why there is an error, in words without anything that a peer supplied; null when there is none. */
  readonly problem: string | null
  /** What the domain says to whom it fails (RFC 7208 §6.2): foreign text, 7-bit. Null unless it was asked for and is there. */
  readonly explanation: string | null
}

export type HostToCheck = {
  readonly ip: IpAddress
  /** The domain that is checked first: of the reverse-path, or the one greeted with. */
  readonly domain: string
  readonly localPart: string
  readonly helo: string
  /** Ourselves, for explanations. */
  readonly receiver: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly explain: boolean
}

/** RFC 7208 §4.6.4: terms that ask DNS, answers without records, and names of one MX or PTR answer. */
const limits = { terms: 10, voids: 2, names: 10 } as const

type Errors = 'temperror' | 'permerror'
type Stop = { readonly stop: Errors; readonly problem: string }
type Match = boolean | Stop

/** What is used up over a whole check, records that are included or redirected to among it. */
type Check = {
  readonly host: HostToCheck
  terms: number
  voids: number
  /** Names of the client that point back to it; null until they are needed. */
  clientNames: readonly string[] | null
}

/** `check_host()` of RFC 7208 §4. Bounded by the limits of §4.6.4 whatever the records say. */
export function* checkHost(host: HostToCheck): Inquiry<SpfOutcome> {
  const check: Check = { host, terms: 0, voids: 0, clientNames: null }
  return yield* checkDomain(check, host.domain, host.explain)
}

function* checkDomain(check: Check, domain: string, explain: boolean): Inquiry<SpfOutcome> {
  const record = yield* findRecord(domain)
  if (record === null) return outcome('none')
  if ('stop' in record) return outcome(record.stop, record.problem)
  for (const { qualifier, mechanism } of record.directives) {
    const match = yield* matches(check, domain, mechanism)
    if (typeof match !== 'boolean') return outcome(match.stop, match.problem)
    if (match) return yield* matched(check, domain, record, qualifier, explain)
  }
  return record.redirect === null ? outcome('neutral') : yield* redirected(check, domain, record.redirect, explain)
}

function* matched(
  check: Check,
  domain: string,
  record: SpfRecord,
  qualifier: Qualifier,
  explain: boolean,
): Inquiry<SpfOutcome> {
  if (qualifier !== 'fail' || !explain || record.explanation === null) return outcome(qualifier)
  return outcome('fail', null, yield* explanationOf(check, domain, record.explanation))
}

function* redirected(check: Check, domain: string, target: MacroString, explain: boolean): Inquiry<SpfOutcome> {
  if (!takeTerm(check)) return outcome('permerror', tooManyTerms.problem)
  const to = yield* nameOf(check, domain, target)
  const found = yield* checkDomain(check, to, explain)
  return found.result === 'none' ? outcome('permerror', 'a domain that is redirected to has no record') : found
}

function outcome(result: SpfResult, problem: string | null = null, explanation: string | null = null): SpfOutcome {
  return { result, problem, explanation }
}

/** The one record of a domain (RFC 7208 §4.5), or null when it has none. */
function* findRecord(domain: string): Inquiry<SpfRecord | Stop | null> {
  if (!isAskable(domain)) return null
  const answer = yield* ask('TXT', domain)
  if (isDnsTrouble(answer)) return temporary
  const [text, second] = answer.records.filter(isSpfRecord)
  if (text === undefined) return null
  if (second !== undefined) return { stop: 'permerror', problem: 'a domain has several records' }
  const record = parseSpfRecord(text)
  return isSyntaxFault(record) ? { stop: 'permerror', problem: `a record is malformed: ${record.reason}` } : record
}

const temporary: Stop = { stop: 'temperror', problem: 'DNS did not answer' }
const tooManyTerms: Stop = { stop: 'permerror', problem: 'the records need more than 10 look-ups' }
const tooManyVoids: Stop = { stop: 'permerror', problem: 'more than 2 look-ups found nothing' }

function* matches(check: Check, domain: string, mechanism: Mechanism): Inquiry<Match> {
  switch (mechanism.kind) {
    case 'all':
      return true
    case 'ip4':
    case 'ip6':
      return blockContains(mechanism.block, check.host.ip)
    case 'include':
    case 'exists':
    case 'a':
    case 'mx':
    case 'ptr':
      if (!takeTerm(check)) return tooManyTerms
      return yield* matchesByDns(check, domain, mechanism)
    default:
      return mechanism satisfies never
  }
}

function* matchesByDns(
  check: Check,
  domain: string,
  mechanism: Exclude<Mechanism, { kind: 'all' | 'ip4' | 'ip6' }>,
): Inquiry<Match> {
  const name = mechanism.target === null ? domain : yield* nameOf(check, domain, mechanism.target)
  switch (mechanism.kind) {
    case 'include':
      return yield* includes(check, name)
    case 'exists': {
      const answer = yield* lookUp(check, 'A', name)
      return 'stop' in answer ? answer : answer.records.length > 0
    }
    case 'a':
      return yield* hasAddress(check, name, mechanism.prefixes)
    case 'mx':
      return yield* exchangesHaveAddress(check, name, mechanism.prefixes)
    case 'ptr': {
      const names = yield* clientNames(check)
      return names.some((one) => one === name || one.endsWith(`.${name}`))
    }
    default:
      return mechanism satisfies never
  }
}

function takeTerm(check: Check): boolean {
  check.terms += 1
  return check.terms <= limits.terms
}

/** RFC 7208 §5.2: only a pass matches; an included domain without a record is a permanent error. */
function* includes(check: Check, name: string): Inquiry<Match> {
  const { result, problem } = yield* checkDomain(check, name, false)
  switch (result) {
    case 'pass':
      return true
    case 'fail':
    case 'softfail':
    case 'neutral':
      return false
    case 'none':
      return { stop: 'permerror', problem: 'an included domain has no record' }
    case 'temperror':
    case 'permerror':
      return { stop: result, problem: problem ?? 'an included record is in error' }
    default:
      return result satisfies never
  }
}

function* hasAddress(check: Check, name: string, prefixes: Prefixes): Inquiry<Match> {
  const { ip } = check.host
  const isFour = bitsOf(ip) === 32
  const answer = yield* lookUp(check, isFour ? 'A' : 'AAAA', name)
  if ('stop' in answer) return answer
  const prefix = isFour ? prefixes.four : prefixes.six
  return answer.records.some((address) => networkContains({ address, prefix }, ip))
}

function* exchangesHaveAddress(check: Check, name: string, prefixes: Prefixes): Inquiry<Match> {
  const answer = yield* lookUp(check, 'MX', name)
  if ('stop' in answer) return answer
  if (answer.records.length > limits.names) return { stop: 'permerror', problem: 'a domain has more than 10 exchanges' }
  for (const { exchange } of answer.records) {
    const match = yield* hasAddress(check, exchange, prefixes)
    if (match !== false) return match
  }
  return false
}

/** An answer, or the end of the check: trouble, or one look-up too many that found nothing. */
function* lookUp<Type extends RecordType>(check: Check, type: Type, name: string): Inquiry<DnsAnswer<Type> | Stop> {
  // A name that cannot be in DNS is not looked up, and matches nothing (RFC 7208 §4.8).
  if (!isAskable(name)) return { records: [], exists: false, authentic: false }
  const answer: DnsAnswer<Type> | DnsTrouble = yield* ask(type, name)
  if (isDnsTrouble(answer)) return temporary
  if (answer.records.length === 0 && ++check.voids > limits.voids) return tooManyVoids
  return answer
}

/** The names of the client's address that have this address (RFC 7208 §5.5); trouble leaves a name out. */
function* clientNames(check: Check): Inquiry<readonly string[]> {
  if (check.clientNames !== null) return check.clientNames
  const { ip } = check.host
  const pointers = yield* ask('PTR', reverseName(ip))
  const names: string[] = []
  for (const name of isDnsTrouble(pointers) ? [] : pointers.records.slice(0, limits.names)) {
    if (!isAskable(name)) continue
    const answer = yield* ask(bitsOf(ip) === 32 ? 'A' : 'AAAA', name)
    if (!isDnsTrouble(answer) && answer.records.includes(ip)) names.push(name.toLowerCase())
  }
  check.clientNames = names
  return names
}

/** Which of its names a client is called by: the domain itself, else one below it, else any (RFC 7208 §7.3). */
function* clientName(check: Check, domain: string): Inquiry<string> {
  const names = yield* clientNames(check)
  return (
    names.find((name) => name === domain) ?? names.find((name) => name.endsWith(`.${domain}`)) ?? names[0] ?? 'unknown'
  )
}

function* nameOf(check: Check, domain: string, target: MacroString): Inquiry<string> {
  return expandToName(target, yield* valuesFor(check, domain, target))
}

function* valuesFor(check: Check, domain: string, text: MacroString): Inquiry<MacroValues> {
  const { host } = check
  return {
    sender: { localPart: host.localPart, domain: host.domain },
    domain,
    ip: host.ip,
    helo: host.helo,
    clientName: usesClientName(text) ? yield* clientName(check, domain) : 'unknown',
    receiver: host.receiver,
    now: host.now,
  }
}

/** RFC 7208 §6.2: whatever goes wrong here, there is just no explanation. */
function* explanationOf(check: Check, domain: string, target: MacroString): Inquiry<string | null> {
  const name = yield* nameOf(check, domain, target)
  if (!isAskable(name)) return null
  const answer = yield* ask('TXT', name)
  if (isDnsTrouble(answer)) return null
  const [text, second] = answer.records
  if (text === undefined || second !== undefined) return null
  const read = parseMacroString(text, true)
  return isSyntaxFault(read) ? null : expandMacros(read, yield* valuesFor(check, domain, read))
}

const allZero = parseIp('::')

function blockContains(block: IpBlock, ip: IpAddress): boolean {
  const { address, prefix, family } = block
  if (family === 4 || bitsOf(address) === 128) return networkContains({ address, prefix }, ip)
  // An IPv4-mapped block starts with 80 zero bits; clients inside it count as IPv4 and are no match (RFC 7208 §5).
  return prefix <= 80 && !isSyntaxFault(allZero) && networkContains({ address: allZero, prefix }, ip)
}
