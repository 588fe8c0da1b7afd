import { readFileSync } from 'node:fs'
import { vectorPath, vectorText } from './vectors.ts'

/** A whole message with what another implementation said of it. */
export type EndToEndCase = {
  readonly name: string
  readonly message: Buffer
  readonly ip: string
  readonly helo: string
  readonly mailFrom: string
  /** Words by method, as its Authentication-Results has them; several for DMARC where it judged several authors. */
  readonly expected: { readonly [method: string]: readonly string[] }
}

type Listed = {
  readonly desc: string
  readonly source: string
  readonly dest: string
  readonly ip: string
  readonly name: string
  readonly from: string
}

const folder = ['e2e', 'authentication_milter'] as const

/** The suite's configuration takes this client for another one. */
const mapped: { readonly [ip: string]: { readonly ip: string; readonly helo: string } } = {
  '4.3.2.1': { ip: '74.125.82.171', helo: 'mail-we0-f171.google.com' },
}

/** What answers without an Authentication-Results field mean for the same sources. */
const untold: { readonly [dest: string]: EndToEndCase['expected'] } = {
  'google_apps_good.timeout.eml': { dkim: ['pass'] },
  'google_apps_good_dryrun.eml': { spf: ['pass'], dkim: ['pass'], dmarc: ['pass'] },
  'dmarc_reject_hard.eml': { spf: ['fail'], dkim: ['none'], dmarc: ['fail'] },
}

export function readEndToEndCases(): readonly EndToEndCase[] {
  const { cases } = JSON.parse(vectorText(...folder, 'cases.json')) as { readonly cases: readonly Listed[] }
  return cases.map(({ desc, source, dest, ip, name, from }) => ({
    name: desc,
    message: readFileSync(vectorPath(...folder, 'source', source)),
    ip: mapped[ip]?.ip ?? ip,
    helo: mapped[ip]?.helo ?? name,
    mailFrom: from,
    expected: untold[dest] ?? wordsIn(vectorText(...folder, 'example', dest)),
  }))
}

/** The methods of the first Authentication-Results field; a method that it leaves out is one that it does not show when it is none. */
function wordsIn(example: string): EndToEndCase['expected'] {
  const [, field = ''] = /^Authentication-Results:([^]*?)\r?\n(?=\S)/m.exec(example) ?? []
  const words: { [method: string]: string[] } = {}
  for (const [, method = '', word = ''] of field.matchAll(/(?:^|[\s;])(spf|dkim|dmarc)=(\w+)/g))
    (words[method] ??= []).push(word)
  return words
}

type ZoneEntry = { [type: string]: unknown[] | string }

/** The suite's zone file, which is nearly a master file. */
export function readEndToEndZone(): { readonly [name: string]: ZoneEntry } {
  const zone: { [name: string]: ZoneEntry } = {}
  for (const line of vectorText(...folder, 'zonefile').split('\n')) {
    const [, name = '', type = '', rest = ''] =
      /^([^;\s]\S*?)\.?\s+(?:[0-9]+\s+)?(?:IN\s+)?(A|AAAA|TXT|MX|PTR|CNAME|NS)\s+(.+?)\s*$/.exec(line) ?? []
    if (name === '') continue
    const entry = (zone[name] ??= {})
    if (type === 'CNAME') entry['CNAME'] = rest
    else entry[type] = [...((entry[type] as unknown[] | undefined) ?? []), dataOf(type, rest)]
  }
  return zone
}

function dataOf(type: string, rest: string): unknown {
  if (type === 'MX') {
    const [preference, exchange] = rest.split(/\s+/)
    return { preference: Number(preference), exchange }
  }
  if (type !== 'TXT') return rest
  const strings = rest.replace(/^\(\s*|\s*\)$/g, '').match(/"[^"]*"|\S+/g) ?? []
  return strings.map((one) => one.replace(/^"|"$/g, ''))
}
