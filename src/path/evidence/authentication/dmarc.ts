import { type Resolver, settle } from '../../../platform/dns.ts'
import { type SyntaxFault, isSyntaxFault } from '../../../standards/fault.ts'
import {
  type DmarcOutcome,
  type DmarcPolicy,
  type DmarcResult,
  type Identifier,
  evaluateDmarc,
  policiesByStrength,
} from '../../../standards/dmarc/index.ts'
import type { SignatureResult } from '../../../standards/dkim/index.ts'
import { readAuthorDomains } from '../../../standards/message/author-domains.ts'
import type { HeaderSection } from '../../../standards/message/header-section.ts'
import { parseDomain } from '../../../standards/names/domain.ts'
import type { SpfVerdict } from './spf.ts'

export type DmarcVerdict = {
  readonly result: DmarcResult
  /** Of the Author Domain that decided; null when there is none to judge. */
  readonly outcome: DmarcOutcome | null
  /** Why there is an error, in words without anything that a peer supplied; null when there is none. */
  readonly problem: string | null
}

/** A message that names more Author Domains than this is judged by none of them. */
const maxAuthorDomains = 5

/**
 * DMARC of a message (RFC 9989 §5.3). With several Author Domains, or several From fields, each is judged and the strictest that
 * fails decides (§11.5); that all of them pass proves nothing of what a reader sees, so it is a permanent error.
 */
export async function verifyDmarc(
  section: HeaderSection | SyntaxFault,
  spf: SpfVerdict,
  dkim: readonly SignatureResult[],
  resolver: Resolver,
): Promise<DmarcVerdict> {
  const authors = isSyntaxFault(section) ? section : readAuthorDomains(section)
  if (isSyntaxFault(authors)) return { result: 'permerror', outcome: null, problem: authors.reason }
  const { domains, fields } = authors
  if (domains.length > maxAuthorDomains) return { result: 'permerror', outcome: null, problem: tooMany }
  const identifiers = identifiersOf(spf, dkim)
  const outcomes: DmarcOutcome[] = []
  for (const domain of domains) outcomes.push(await settle(evaluateDmarc(domain, identifiers), resolver))
  const [only] = outcomes
  if (only !== undefined && domains.length === 1 && fields === 1)
    return { result: only.result, outcome: only, problem: only.result === 'temperror' ? noAnswer : null }
  return strictestOf(outcomes)
}

const tooMany = 'From names too many domains'
const noAnswer = 'DNS did not answer'

function strictestOf(outcomes: readonly DmarcOutcome[]): DmarcVerdict {
  const failed = outcomes.filter(({ result }) => result === 'fail')
  if (failed.length > 0) {
    const strictest = failed.reduce((one, other) => (strength(other.policy) > strength(one.policy) ? other : one))
    return { result: 'fail', outcome: strictest, problem: 'From names several authors' }
  }
  const unsure = outcomes.find(({ result }) => result === 'temperror')
  if (unsure !== undefined) return { result: 'temperror', outcome: unsure, problem: noAnswer }
  return { result: 'permerror', outcome: null, problem: 'From names several authors' }
}

function strength(policy: DmarcPolicy | null): number {
  return policy === null ? -1 : policiesByStrength.indexOf(policy)
}

/** What SPF and DKIM proved, or could not find out. A signature that leaves a part of the body out proves nothing. */
function identifiersOf(spf: SpfVerdict, dkim: readonly SignatureResult[]): readonly Identifier[] {
  const identifiers: Identifier[] = []
  const spfDomain = spf.domain === null ? null : parseDomain(spf.domain)
  if (spfDomain !== null && !isSyntaxFault(spfDomain) && isPassOrUnsure(spf.result))
    identifiers.push({ method: 'spf', domain: spfDomain, result: spf.result })
  for (const { domain, result, uncoveredOctets } of dkim) {
    if (domain !== null && uncoveredOctets === 0 && isPassOrUnsure(result))
      identifiers.push({ method: 'dkim', domain, result })
  }
  return identifiers
}

function isPassOrUnsure(result: string): result is Identifier['result'] {
  return result === 'pass' || result === 'temperror'
}
