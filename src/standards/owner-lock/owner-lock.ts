import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { parseTenantId } from '../names/tenant.ts'

/**
 * What the owner of a domain allows in its own DNS, beside the policy: TXT records at `_anechoic.<domain>`, all of them together.
 * Whatever no record names is not allowed.
 */
export type OwnerLock = {
  /** How many records said it; 0: the owner allows nobody. */
  readonly records: number
  readonly m365: readonly { readonly tenant: string; readonly originators: readonly Domain[] }[]
  readonly google: readonly Domain[]
  readonly sources: readonly string[]
  /** null: no record speaks of classes, and the policy alone says which. */
  readonly classes: readonly string[] | null
}

const mostRecords = 32
const longestRecord = 4096
const version = 'anechoic1'
const grantable: ReadonlySet<string> = new Set(['hosted', 'hybrid', 'notification'])
const tagName = /^[A-Za-z][A-Za-z0-9_-]*$/
const sourceId = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/

/** The name of the lock's records. */
export function ownerLockName(domain: Domain): string {
  return `_anechoic.${domain}`
}

/**
 * Reads all TXT records at the lock's name. Each begins with `v=anechoic1`; tags repeat, those of an unknown name are passed over, and
 * several records are a union. One that is not in the grammar makes the whole unreadable: what it meant to take away is not known.
 */
export function parseOwnerLock(texts: readonly string[]): OwnerLock | SyntaxFault {
  if (texts.length > mostRecords) return syntaxFault(`there are more than ${mostRecords} records`)
  const lock = {
    m365: [] as { tenant: string; originators: readonly Domain[] }[],
    google: [] as Domain[],
    sources: [] as string[],
    classes: null as readonly string[] | null,
  }
  for (const text of texts) {
    const tags = tagsOf(text)
    if (isSyntaxFault(tags)) return tags
    for (const [name, value] of tags) {
      switch (name) {
        case 'm365': {
          const entry = tenantEntry(value)
          if (isSyntaxFault(entry)) return entry
          lock.m365.push(entry)
          break
        }
        case 'google': {
          const domain = parseDomain(value)
          if (isSyntaxFault(domain)) return syntaxFault(`google=: ${domain.reason}`)
          lock.google.push(domain)
          break
        }
        case 'source':
          if (!sourceId.test(value)) return syntaxFault('source= holds no source id')
          lock.sources.push(value)
          break
        case 'classes': {
          const classes = value.split(',').map((one) => one.trim())
          if (classes.some((one) => !grantable.has(one)))
            return syntaxFault('classes= holds a word that is none of hosted, hybrid and notification')
          lock.classes = [...(lock.classes ?? []), ...classes]
          break
        }
        default:
          break
      }
    }
  }
  return { records: texts.length, ...lock }
}

/** The tags after the version, in order. */
function tagsOf(text: string): readonly (readonly [name: string, value: string])[] | SyntaxFault {
  if (text.length > longestRecord) return syntaxFault('a record is too long')
  if (!/^[\x20-\x7e\t]*$/.test(text)) return syntaxFault('a record holds an octet outside printable ASCII')
  const specs = text.split(';')
  if (specs.at(-1)?.trim() === '') specs.pop()
  const tags: (readonly [string, string])[] = []
  for (const spec of specs) {
    const equals = spec.indexOf('=')
    const name = spec.slice(0, Math.max(0, equals)).trim()
    if (equals === -1 || !tagName.test(name)) return syntaxFault('a record holds something that is no tag')
    tags.push([name.toLowerCase(), spec.slice(equals + 1).trim()])
  }
  const [first, ...rest] = tags
  if (first?.[0] !== 'v' || first[1] !== version) return syntaxFault(`a record does not begin with v=${version}`)
  return rest
}

function tenantEntry(
  value: string,
): { readonly tenant: string; readonly originators: readonly Domain[] } | SyntaxFault {
  const slash = value.indexOf('/')
  if (slash === -1) return syntaxFault('m365= is not TENANT/ORIGINATOR')
  const tenant = parseTenantId(value.slice(0, slash).trim())
  if (isSyntaxFault(tenant)) return syntaxFault(`m365=: ${tenant.reason}`)
  const originators: Domain[] = []
  for (const text of value.slice(slash + 1).split(',')) {
    const originator = parseDomain(text.trim())
    if (isSyntaxFault(originator)) return syntaxFault(`m365=: ${originator.reason}`)
    originators.push(originator)
  }
  return { tenant, originators }
}
