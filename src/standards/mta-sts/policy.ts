import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseDomain } from '../names/domain.ts'

/** A policy as its domain published it (RFC 8461 §3.2). */
export type MtaStsPolicy = {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Seconds for which it may be kept. */
  readonly maxAge: number
  /** Names of mail servers in lower case; `*.` stands for one label. */
  readonly mx: readonly string[]
}

/** A policy file of more octets is not read (RFC 8461 §3.3). */
export const maxPolicyOctets = 65_536

/** One year: no policy is kept for longer (RFC 8461 §3.2). */
const longestAge = 31_557_600

const fieldName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/
const maxPatterns = 1000

/** Reads a policy file. Fields of an unknown name are passed over, and of a repeated one the first counts, but for `mx`. */
export function parseMtaStsPolicy(text: string): MtaStsPolicy | SyntaxFault {
  if (text.length > maxPolicyOctets) return syntaxFault('the policy is too long')
  const fields = fieldsOf(text)
  if (isSyntaxFault(fields)) return fields
  const [version, mode, age] = ['version', 'mode', 'max_age'].map((name) => fields.get(name)?.[0])
  if (version !== 'STSv1') return syntaxFault('the policy is not of version STSv1')
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') {
    return syntaxFault('the mode of the policy is none of enforce, testing and none')
  }
  if (age === undefined || !/^[0-9]{1,10}$/.test(age)) return syntaxFault('the policy has no max_age in seconds')
  const patterns = fields.get('mx') ?? []
  if (patterns.length > maxPatterns) return syntaxFault('the policy names too many mail servers')
  if (patterns.length === 0 && mode !== 'none') return syntaxFault('the policy names no mail server')
  const mx: string[] = []
  for (const text of patterns) {
    const pattern = patternOf(text)
    if (isSyntaxFault(pattern)) return pattern
    mx.push(pattern)
  }
  return { mode, maxAge: Math.min(Number(age), longestAge), mx }
}

function fieldsOf(text: string): ReadonlyMap<string, readonly string[]> | SyntaxFault {
  const fields = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const bare = line.trim()
    if (bare === '') continue
    const colon = bare.indexOf(':')
    const name = bare.slice(0, Math.max(0, colon)).trim()
    if (!fieldName.test(name)) return syntaxFault('the policy has a line that is no field')
    const values = fields.get(name)
    if (values === undefined) fields.set(name, [bare.slice(colon + 1).trim()])
    else values.push(bare.slice(colon + 1).trim())
  }
  return fields
}

function patternOf(text: string): string | SyntaxFault {
  const wild = text.startsWith('*.')
  const domain = parseDomain(wild ? text.slice(2) : text)
  if (isSyntaxFault(domain)) return syntaxFault('the policy names a mail server that is no domain')
  return wild ? `*.${domain}` : domain
}

/** Whether the policy allows a mail server of this name (RFC 8461 §4.1): a wildcard is exactly one label. */
export function allowsMx(policy: MtaStsPolicy, host: string): boolean {
  const name = host.toLowerCase()
  const dot = name.indexOf('.')
  const parent = dot === -1 ? null : `*${name.slice(dot)}`
  return policy.mx.some((pattern) => pattern === name || pattern === parent)
}
