import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import { type FoundKey, type FoundKeys, withoutRepeats } from './found-key.ts'
import { type UclObject, type UclValue, isUclObject, readUcl } from './ucl.ts'

/** What `dkim_signing.conf` of rspamd says. */
export type RspamdConfiguration = {
  readonly domains: ReadonlyMap<string, readonly Choice[]>
  readonly otherwise: Choice
  /** Files with a line for each domain, to be read for `rspamdKeys`; null where there is none. */
  readonly selectorMap: string | null
  readonly pathMap: string | null
}

type Choice = { readonly selector: string | null; readonly path: string | null }

/** rspamd's own, where nothing is said. */
const usual = { selector: 'dkim', path: '/var/lib/rspamd/dkim/$domain.$selector.key' }
const places: readonly (readonly [string, string])[] = [
  ['$LOCAL_CONFDIR', '/etc/rspamd'],
  ['$CONFDIR', '/etc/rspamd'],
  ['$DBDIR', '/var/lib/rspamd'],
]

export function readRspamdConfiguration(text: string): RspamdConfiguration | SyntaxFault {
  const read = readUcl(text)
  if (isSyntaxFault(read)) return read
  const inner = read.get('dkim_signing')?.[0]
  const settings = isUclObject(inner) ? inner : read
  const domains = new Map<string, readonly Choice[]>()
  for (const section of settings.get('domain') ?? []) {
    if (!isUclObject(section)) continue
    for (const [domain, values] of section) domains.set(domain.toLowerCase(), values.flatMap(choicesOf))
  }
  return {
    domains,
    otherwise: choiceOf(settings),
    selectorMap: placed(textOf(settings, 'selector_map')),
    pathMap: placed(textOf(settings, 'path_map')),
  }
}

/** The keys that it names, with the texts of its maps. Domains are those of its sections and its maps. */
export function rspamdKeys(
  configuration: RspamdConfiguration,
  maps: { readonly selectors: string | null; readonly paths: string | null },
): FoundKeys {
  const selectors = readMap(maps.selectors ?? '')
  const paths = readMap(maps.paths ?? '')
  const domains = new Set([...configuration.domains.keys(), ...selectors.keys(), ...paths.keys()])
  const keys: FoundKey[] = []
  for (const domain of domains) {
    for (const choice of configuration.domains.get(domain) ?? [{ selector: null, path: null }]) {
      const { otherwise } = configuration
      const selector = choice.selector ?? selectors.get(domain) ?? otherwise.selector ?? usual.selector
      const pattern = choice.path ?? paths.get(domain) ?? otherwise.path ?? usual.path
      const path = pattern.replaceAll('$domain', domain).replaceAll('$selector', selector)
      keys.push({ domain, selector, at: { kind: 'file', path: placed(path) ?? path } })
    }
  }
  const problems = keys.length > 0 ? [] : ['it names no domain: say for which domain, selector and file the key is']
  return { keys: withoutRepeats(keys), problems }
}

/** A section of a domain: one key, or several under `selectors`. */
function choicesOf(value: UclValue): readonly Choice[] {
  if (!isUclObject(value)) return []
  const several = (value.get('selectors') ?? []).flatMap((one) =>
    Array.isArray(one) ? (one as readonly UclValue[]) : [one],
  )
  const choices = several.filter(isUclObject).map(choiceOf)
  return choices.length > 0 ? choices : [choiceOf(value)]
}

function choiceOf(value: UclObject): Choice {
  return { selector: textOf(value, 'selector'), path: textOf(value, 'path') }
}

function textOf(object: UclObject, key: string): string | null {
  const value = object.get(key)?.at(-1)
  return typeof value === 'string' ? value : null
}

function placed(path: string | null): string | null {
  if (path === null) return null
  const plain = path.replace(/^file:\/\//, '')
  return places.reduce((text, [word, place]) => text.replaceAll(word, place), plain)
}

/** A map of rspamd: a domain and a value on each line. */
function readMap(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [domain = '', value = '', ...more] = line.replace(/#.*/, '').trim().split(/\s+/)
      return domain === '' || value === '' || more.length > 0 ? [] : [[domain.toLowerCase(), value] as const]
    }),
  )
}
