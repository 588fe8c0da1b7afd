import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** A Domain Owner Assessment Policy (RFC 9989 §4.7), weakest first. */
export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

export const policiesByStrength: readonly DmarcPolicy[] = ['none', 'quarantine', 'reject']

/** A DMARC Policy Record (RFC 9989 §4.7), with defaults in place of what is absent or malformed. */
export type DmarcRecord = {
  /** null: the record asks for no DMARC processing, since it has neither a usable policy nor anyone to report to (§4.10.1). */
  readonly policies: DmarcPolicies | null
  readonly dkimAlignment: Alignment
  readonly spfAlignment: Alignment
  /** `psd=`: whether the domain is a Public Suffix Domain (y), the Organizational Domain (n), or does not say (u). */
  readonly publicSuffix: 'y' | 'n' | 'u'
  /** `t=y`: the policy one level below the published one is to be applied. */
  readonly testing: boolean
}

export type DmarcPolicies = {
  readonly domain: DmarcPolicy
  /** For subdomains that exist; null: as the domain. */
  readonly subdomains: DmarcPolicy | null
  /** For subdomains that do not exist; null: as those that do. */
  readonly nonExistent: DmarcPolicy | null
}

export type Alignment = 'relaxed' | 'strict'

const version = /^[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/

const tag = /^([A-Za-z][A-Za-z0-9_]*)[ \t]*=[ \t]*([\x20-\x7e]*)$/

/** Longer records are not read. */
const maxLength = 8192

/** Whether a TXT record is a DMARC Policy Record at all: its first tag is the version, in capitals (RFC 9989 §4.7). */
export function isDmarcRecord(text: string): boolean {
  return version.test(text)
}

/** Reads a record that `isDmarcRecord` knows. What is no tag list, a tag that stands twice among it, is a fault. */
export function parseDmarcRecord(text: string): DmarcRecord | SyntaxFault {
  if (text.length > maxLength) return syntaxFault('the record is too long')
  const tags = new Map<string, string>()
  for (const spec of text.split(';')) {
    const [, name, value = ''] = tag.exec(spec.trim()) ?? []
    // Syntax errors are ignored (RFC 9989 §4.8), but of two tags nobody knows which is meant (RFC 6376 §3.2).
    if (name === undefined) continue
    if (tags.has(name)) return syntaxFault('a tag stands twice')
    tags.set(name, value)
  }
  const value = (name: string) => tags.get(name)?.toLowerCase()
  const psd = value('psd')
  return {
    policies: readPolicies(value, tags.get('rua')),
    dkimAlignment: value('adkim') === 's' ? 'strict' : 'relaxed',
    spfAlignment: value('aspf') === 's' ? 'strict' : 'relaxed',
    publicSuffix: psd === 'y' || psd === 'n' ? psd : 'u',
    testing: value('t') === 'y',
  }
}

/** RFC 9989 §4.10.1: a record with an unusable policy counts as `p=none` when it asks for reports. */
function readPolicies(value: (name: string) => string | undefined, rua: string | undefined): DmarcPolicies | null {
  const [domain, subdomains, nonExistent] = ['p', 'sp', 'np'].map(value)
  const areUsable = isPolicy(domain) && [subdomains, nonExistent].every((one) => one === undefined || isPolicy(one))
  if (areUsable) {
    return {
      domain,
      subdomains: isPolicy(subdomains) ? subdomains : null,
      nonExistent: isPolicy(nonExistent) ? nonExistent : null,
    }
  }
  const hasReader = rua !== undefined && rua.split(',').some(isReportingUri)
  return hasReader ? { domain: 'none', subdomains: null, nonExistent: null } : null
}

function isPolicy(value: string | undefined): value is DmarcPolicy {
  return value === 'none' || value === 'quarantine' || value === 'reject'
}

/** RFC 9989 §4.8 dmarc-uri, with the obsolete size behind it. */
function isReportingUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?#[\]@$&'()*+=]|%[0-9a-f]{2})+(?:![0-9]+[kmgt]?)?$/i.test(text.trim())
}
