import { type DnsTrouble, type Inquiry, ask, isDnsTrouble } from '../dns/inquiry.ts'
import { type Domain, isAtOrBelow } from '../names/domain.ts'
import { type DmarcPolicies, type DmarcPolicy, type DmarcRecord, policiesByStrength } from './record.ts'
import { type FoundRecord, type RecordMemory, organizationalDomain, recordOf, walkTree } from './tree-walk.ts'

/** The words of RFC 8601 §2.7.9 and RFC 9989 §9.2 for DMARC. */
export type DmarcResult = 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'

/** A domain that SPF or DKIM spoke about: it passed, or it is not known whether it would have. */
export type Identifier = {
  readonly method: 'spf' | 'dkim'
  readonly domain: Domain
  readonly result: 'pass' | 'temperror'
}

export type DmarcOutcome = {
  readonly result: DmarcResult
  readonly authorDomain: Domain
  /** Where the applied record was published (RFC 9989 §3.2.5); null without one. */
  readonly policyDomain: Domain | null
  /** What the record asks for in case of a failure, test mode counted in (`policy.dmarc` of RFC 9989 §9.1); null without a record. */
  readonly policy: DmarcPolicy | null
  /** The same before test mode. */
  readonly published: DmarcPolicy | null
  readonly dkimAlignment: DmarcRecord['dkimAlignment']
  readonly spfAlignment: DmarcRecord['spfAlignment']
  /** Authenticated Identifiers that align with the Author Domain. */
  readonly aligned: readonly Identifier[]
}

/** Walks for identifiers that one message may cause; RFC 9989 limits the length of a walk and not their number. */
const maxIdentifiers = 10

/** DMARC of one Author Domain (RFC 9989 §5.3). */
export function* evaluateDmarc(authorDomain: Domain, identifiers: readonly Identifier[]): Inquiry<DmarcOutcome> {
  const memory: RecordMemory = new Map()
  const applied = yield* discoverPolicy(authorDomain, memory)
  if (isDnsTrouble(applied)) return withoutRecord('temperror', authorDomain)
  const policies = applied?.record.policies
  if (applied === null || policies == null) return withoutRecord('none', authorDomain)
  const { record, domain: policyDomain } = applied
  const { published, isSure } = yield* policyFor(authorDomain, policyDomain, policies)
  const { aligned, isUnsure } = yield* alignedOf(authorDomain, record, distinct(identifiers), memory)
  const found = {
    authorDomain,
    policyDomain,
    policy: record.testing ? oneLevelBelow(published) : published,
    published,
    dkimAlignment: record.dkimAlignment,
    spfAlignment: record.spfAlignment,
    aligned,
  }
  if (aligned.length > 0) return { result: 'pass', ...found }
  return { result: isUnsure || !isSure ? 'temperror' : 'fail', ...found }
}

function withoutRecord(result: 'none' | 'temperror', authorDomain: Domain): DmarcOutcome {
  return {
    result,
    authorDomain,
    policyDomain: null,
    policy: null,
    published: null,
    dkimAlignment: 'relaxed',
    spfAlignment: 'relaxed',
    aligned: [],
  }
}

/** The record of the Author Domain, else of its Organizational Domain, else of the Public Suffix Domain above it (RFC 9989 §4.10.1). */
function* discoverPolicy(domain: Domain, memory: RecordMemory): Inquiry<FoundRecord | DnsTrouble | null> {
  const own = yield* recordOf(domain, memory)
  if (isDnsTrouble(own)) return own
  if (own !== null) return { domain, record: own }
  const { found, trouble } = yield* walkTree(domain, memory)
  if (trouble !== null) return trouble
  const organization = organizationalDomain(domain, found)
  const last = found.at(-1)
  return found.find((one) => one.domain === organization) ?? (last?.record.publicSuffix === 'y' ? last : null)
}

/** Which of the policies is meant. Not sure: DNS would not say whether the Author Domain exists, and it matters. */
function* policyFor(
  authorDomain: Domain,
  policyDomain: Domain,
  policies: DmarcPolicies,
): Inquiry<{ readonly published: DmarcPolicy; readonly isSure: boolean }> {
  if (authorDomain === policyDomain) return { published: policies.domain, isSure: true }
  const existing = policies.subdomains ?? policies.domain
  const { nonExistent } = policies
  if (nonExistent === null || nonExistent === existing) return { published: existing, isSure: true }
  // Any type tells whether a name exists (RFC 9989 appendix A.4).
  const answer = yield* ask('A', authorDomain)
  if (!isDnsTrouble(answer)) return { published: answer.exists ? existing : nonExistent, isSure: true }
  const weaker = policiesByStrength.find((policy) => policy === existing || policy === nonExistent)
  return { published: weaker ?? existing, isSure: false }
}

function oneLevelBelow(policy: DmarcPolicy): DmarcPolicy {
  return policiesByStrength[Math.max(0, policiesByStrength.indexOf(policy) - 1)] ?? 'none'
}

/** Each method and domain once, passed before unknown. */
function distinct(identifiers: readonly Identifier[]): readonly Identifier[] {
  const byKey = new Map<string, Identifier>()
  for (const one of identifiers) {
    const key = `${one.method} ${one.domain}`
    if (byKey.get(key)?.result !== 'pass') byKey.set(key, one)
  }
  return [...byKey.values()]
}

/**
 * The passed identifiers that align. Unsure: none does, but one might have: it is not known whether it passes, or whether it aligns.
 * What needs no walk is looked at first, so that nobody can use up the walks that an honest identifier needs.
 */
function* alignedOf(
  authorDomain: Domain,
  record: DmarcRecord,
  identifiers: readonly Identifier[],
  memory: RecordMemory,
): Inquiry<{ readonly aligned: readonly Identifier[]; readonly isUnsure: boolean }> {
  const aligned: Identifier[] = []
  let isUnsure = false
  const note = (one: Identifier): void => {
    if (one.result === 'pass') aligned.push(one)
    else isUnsure = true
  }
  const others: Identifier[] = []
  for (const one of identifiers) {
    if (one.domain === authorDomain) note(one)
    else if (isRelaxed(record, one)) others.push(one)
  }
  // Only domains with a name in common above them can have one Organizational Domain.
  const related = others.filter((one) => topOf(one.domain) === topOf(authorDomain))
  if (aligned.length > 0 || related.length === 0) return { aligned, isUnsure }
  const walk = yield* walkTree(authorDomain, memory)
  if (walk.trouble !== null) return { aligned, isUnsure: true }
  const organization = organizationalDomain(authorDomain, walk.found)
  const within = related.filter((one) => isAtOrBelow(one.domain, organization))
  for (const one of within.slice(0, maxIdentifiers)) {
    const way = yield* walkTree(one.domain, memory)
    if (way.trouble !== null) isUnsure = true
    else if (organizationalDomain(one.domain, way.found) === organization) note(one)
  }
  return { aligned, isUnsure: isUnsure || within.length > maxIdentifiers }
}

function isRelaxed(record: DmarcRecord, identifier: Identifier): boolean {
  return (identifier.method === 'spf' ? record.spfAlignment : record.dkimAlignment) === 'relaxed'
}

function topOf(domain: Domain): string {
  return domain.slice(domain.lastIndexOf('.') + 1)
}
