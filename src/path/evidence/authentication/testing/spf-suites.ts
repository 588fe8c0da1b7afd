import { parseAllDocuments } from 'yaml'
import { isSyntaxFault } from '../../../../standards/fault.ts'
import { parseIp } from '../../../../standards/names/ip.ts'
import { reverseName } from '../../../../standards/names/reverse.ts'
import { vectorText } from './vectors.ts'

/** A test of somebody's SPF suite, with its zone in the form of `verify --batch`. */
export type SpfCase = {
  readonly name: string
  readonly ip: string
  readonly helo: string
  readonly mailFrom: string
  readonly zone: { readonly [name: string]: ZoneEntry }
  /** Any of these is right. */
  readonly results: readonly string[]
  /** null: the suite does not say. */
  readonly explanation: string | null
}

type ZoneEntry = { [type: string]: unknown[] | string }

type Record7208 = 'TIMEOUT' | { readonly [type: string]: unknown }

type Scenario7208 = {
  readonly description: string
  readonly tests: {
    readonly [name: string]: {
      readonly helo: string
      readonly host: string
      readonly mailfrom: string
      readonly result: string | readonly string[]
      readonly explanation?: string
    }
  }
  readonly zonedata: { readonly [name: string]: readonly Record7208[] }
}

/** The suite of RFC 7208, from its YAML. */
export function readRfc7208Suite(): readonly SpfCase[] {
  const documents = parseAllDocuments(vectorText('spf', 'rfc7208-shared.yml')) as readonly { toJS(): Scenario7208 }[]
  return documents.flatMap((document) => {
    const { tests, zonedata } = document.toJS()
    const zone = Object.fromEntries(Object.entries(zonedata).map(([name, records]) => [name, entryOf(records)]))
    return Object.entries(tests).map(([name, test]) => ({
      name,
      ip: test.host,
      helo: test.helo,
      mailFrom: test.mailfrom,
      zone,
      results: typeof test.result === 'string' ? [test.result] : test.result,
      explanation: test.explanation ?? null,
    }))
  })
}

/** `SPF:` entries answer TXT where there is no `TXT:`; a bare TIMEOUT is about every type that is not listed. */
function entryOf(records: readonly Record7208[]): ZoneEntry {
  const entry: ZoneEntry = {}
  const spf: unknown[] = []
  for (const record of records) {
    if (record === 'TIMEOUT') {
      entry['otherwise'] = 'TIMEOUT'
      continue
    }
    for (const [type, value] of Object.entries(record)) {
      if (type === 'SPF') spf.push(value)
      else if (type === 'CNAME') entry['CNAME'] = String(value)
      else if (value === 'NONE') entry[type] = []
      else ((entry[type] as unknown[] | undefined) ?? (entry[type] = [] as unknown[])).push(valueOf(type, value))
    }
  }
  if (spf.length > 0) entry['TXT'] ??= spf
  return entry
}

function valueOf(type: string, value: unknown): unknown {
  if (type !== 'MX') return value
  const [preference, exchange] = value as readonly [number, string]
  return { preference, exchange }
}

type Group = {
  readonly name: string
  readonly tests: readonly {
    readonly domain: string
    readonly sender: string | null
    readonly ip: string
    readonly expect: string
  }[]
}

const files = ['a', 'basic', 'exists', 'include', 'macro', 'ptr'] as const

/** The suite of mail-auth. Its records are lines `type: name values`, and one key stands many times: no YAML reader takes it. */
export function readMailAuthSuite(): readonly SpfCase[] {
  return files.flatMap((file) =>
    vectorText('spf', 'mail-auth', `${file}.yml`)
      .split(/^---$/m)
      .flatMap((text) => casesOf(file, text)),
  )
}

function casesOf(file: string, text: string): readonly SpfCase[] {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#.*)?$/.test(line))
  const testsFrom = lines.findIndex((line) => line.startsWith('tests:'))
  const recordsFrom = lines.findIndex((line) => line.startsWith('records:'))
  const zone: { [name: string]: ZoneEntry } = {}
  for (const line of lines.slice(recordsFrom + 1, testsFrom)) addRecord(zone, line)
  // The suite's own resolver fails for names of this form.
  for (const [name] of text.matchAll(/_dns_error[a-z.]*/g)) zone[name] = { otherwise: 'SERVFAIL' }
  const [document] = parseAllDocuments(
    lines.filter((_, at) => at <= recordsFrom - 1 || at >= testsFrom).join('\n'),
  ) as unknown as readonly { toJS(): Group }[]
  const group = document?.toJS()
  return (group?.tests ?? []).map((test, at) => {
    const [result = '', ...explanation] = test.expect.trim().split(' ')
    const sender = test.sender ?? ''
    return {
      name: `${file}: ${group?.name ?? ''} ${at + 1}`,
      ip: test.ip,
      helo: test.domain,
      mailFrom: sender,
      zone,
      results: [result],
      explanation: explanation.length === 0 ? null : explanation.join(' '),
    }
  })
}

function addRecord(zone: { [name: string]: ZoneEntry }, line: string): void {
  const [, type = '', name = '', rest = ''] = /^\s*([a-z]+):\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? []
  const values = rest.split(/,\s*/)
  if (type === 'ptr') {
    const ip = parseIp(name)
    if (isSyntaxFault(ip)) throw new Error(`not an address: ${name}`)
    return add(zone, reverseName(ip), 'PTR', values)
  }
  if (type === 'spf' || type === 'exp' || type === 'txt') return add(zone, name, 'TXT', [rest])
  if (type === 'mx') {
    const exchanges = values.map((exchange, at) => ({ preference: at, exchange }))
    return add(zone, name, 'MX', exchanges)
  }
  if (type !== 'a' && type !== 'aaaa') throw new Error(`not a record: ${line}`)
  add(zone, name, type.toUpperCase(), values)
}

function add(zone: { [name: string]: ZoneEntry }, name: string, type: string, values: readonly unknown[]): void {
  const entry = (zone[name] ??= {})
  entry[type] = [...((entry[type] as unknown[] | undefined) ?? []), ...values]
}
