import { type FoundKey, type FoundKeys, longestText, withoutRepeats } from './found-key.ts'

/** What `opendkim.conf` says of keys; null for what it does not say. */
export type OpendkimConfiguration = {
  /** `refile:/etc/opendkim/KeyTable`, with its kind. */
  readonly keyTable: string | null
  readonly signingTable: string | null
  readonly domain: string | null
  readonly selector: string | null
  readonly keyFile: string | null
}

type Entry = { readonly name: string; readonly rest: string }

/** Reads `opendkim.conf` (opendkim.conf(5)): a name and its value on a line. Names are told apart without regard to case. */
export function readOpendkimConfiguration(text: string): OpendkimConfiguration {
  const said = new Map(entriesOf(text).map(({ name, rest }) => [name.toLowerCase(), rest]))
  const value = (name: string): string | null => said.get(name) ?? null
  return {
    keyTable: value('keytable'),
    signingTable: value('signingtable'),
    domain: value('domain'),
    selector: value('selector'),
    keyFile: value('keyfile'),
  }
}

/** The file of a data set such as `refile:/etc/opendkim/KeyTable` (opendkim.conf(5), DATA SETS); null for another kind. */
export function fileOfDataSet(dataSet: string): string | null {
  const kind = /^([a-z]+):(.*)$/s.exec(dataSet)
  if (kind === null) return dataSet.startsWith('/') ? dataSet : null
  return kind[1] === 'file' || kind[1] === 'refile' ? (kind[2] ?? null) : null
}

/**
 * The keys of a KeyTable (`name domain:selector:key`). Where it says `%` instead of a domain, the SigningTable tells which domains use the
 * key, in either of its forms: `domain name` or, as patterns, `*@domain name`.
 */
export function readKeyTable(keyTable: string, signingTable: string | null): FoundKeys {
  if (keyTable.length > longestText || (signingTable?.length ?? 0) > longestText) {
    return { keys: [], problems: ['the tables are too long to be read'] }
  }
  const users = Map.groupBy(entriesOf(signingTable ?? ''), ({ rest }) => rest)
  const keys: FoundKey[] = []
  const problems: string[] = []
  for (const { name, rest } of entriesOf(keyTable)) {
    const [, domain, selector, place] = /^([^:]*):([^:]*):(.+)$/s.exec(rest) ?? []
    if (domain === undefined || selector === undefined || place === undefined) {
      problems.push(`KeyTable ${name}: it is not domain:selector:key`)
      continue
    }
    const found = domain === '%' ? domainsUsing(name, users.get(name) ?? [], problems) : [domain]
    keys.push(...found.map((one) => ({ domain: one, selector, at: placeOf(place.replaceAll('%', one)) })))
  }
  return { keys: withoutRepeats(keys), problems }
}

function domainsUsing(name: string, entries: readonly Entry[], problems: string[]): readonly string[] {
  const domains = entries.flatMap(({ name: pattern }) => {
    const domain = pattern.slice(pattern.lastIndexOf('@') + 1).replace(/^\./, '')
    if (domain !== '' && !domain.includes('*')) return [domain.toLowerCase()]
    problems.push(`SigningTable ${pattern}: it names no single domain, so say for which the key ${name} is`)
    return []
  })
  if (entries.length === 0) problems.push(`KeyTable ${name}: its domain is %, and no SigningTable entry uses it`)
  return [...new Set(domains)]
}

/** A path, or the key itself (opendkim.conf(5), KeyTable). */
function placeOf(text: string): FoundKey['at'] {
  return /^\.{0,2}\//.test(text) ? { kind: 'file', path: text } : { kind: 'inline', text }
}

function entriesOf(text: string): readonly Entry[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [name, rest] = wordsOf(line)
    return name === '' || rest === '' ? [] : [{ name, rest }]
  })
}

/** The first word of a line and what is behind it; what begins with # is a comment. */
function wordsOf(line: string): readonly [string, string] {
  const bare = line.startsWith('#') ? '' : line.trim()
  const blank = bare.search(/\s/)
  return blank === -1 ? [bare, ''] : [bare.slice(0, blank), bare.slice(blank + 1).trim()]
}
