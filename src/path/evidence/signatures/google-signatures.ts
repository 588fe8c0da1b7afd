import type { Dns } from '../../../platform/dns.ts'
import type { SignatureResult } from '../../../standards/dkim/index.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type HeaderSection, fieldValue, fieldsNamed } from '../../../standards/message/header-section.ts'
import { type Domain, isAtOrBelow, parseDomain } from '../../../standards/names/domain.ts'
import { workspaceOfDefaultKey } from '../../../standards/providers/index.ts'
import type { ReceivedMessage } from '../../ingress/index.ts'
import type { GoogleEvidence } from '../evidence.ts'
import { verified } from '../verified.ts'
import { claimedSignatures } from './claimed-signatures.ts'
import type { SignatureQuestion } from './question.ts'
import { gapOf } from './signature-gap.ts'
import { verifySignatures } from './verify.ts'

const relayingField = 'x-relaying-domain'

/** What stands in the header section of a message that came from Google, before anything is verified. */
export function readGoogle(section: HeaderSection): GoogleEvidence {
  const [relaying, another] = fieldsNamed(section, relayingField)
  return {
    domain: null,
    dkim: fieldsNamed(section, 'dkim-signature').length === 0 ? 'none' : 'not-evaluated',
    signature: null,
    relayingDomain: relaying === undefined ? null : fieldValue(section, relaying).slice(0, 255),
    duplicates: another === undefined ? [] : [relayingField],
    conflicts: [],
    doubts: [],
    findings: [],
  }
}

/**
 * Google's addresses are everybody's, and X-Relaying-Domain is unsigned text: what tells the Workspace is the signature of the author's own
 * domain, which only a Workspace that the owner gave a key to can make (threats 2.6). It is verified whenever somebody could be meant.
 */
export async function withGoogleSignatures(
  google: GoogleEvidence,
  section: HeaderSection,
  message: ReceivedMessage,
  question: SignatureQuestion | null,
  { dns, now }: { readonly dns: Dns; readonly now: number },
): Promise<GoogleEvidence> {
  if (question === null) return google
  const relaying = relayingConflict(google.relayingDomain, question)
  const conflicts = relaying === null ? [] : [relaying]
  if (google.dkim === 'none') return { ...google, conflicts }
  const isWorthALook = (domain: string): boolean =>
    domain === question.author || isOtherWorkspace(domain as Domain, question)
  const { dkim } = await verifySignatures(dns, section, message, { dkim: isWorthALook, arc: false }, now)
  return judge({ ...google, conflicts }, section, dkim ?? [], question)
}

function judge(
  google: GoogleEvidence,
  section: HeaderSection,
  results: readonly SignatureResult[],
  question: SignatureQuestion,
): GoogleEvidence {
  const conflicts = [...google.conflicts]
  const doubts: string[] = []
  const findings: string[] = []
  let passed: number | null = null
  let dkim: GoogleEvidence['dkim'] = 'none'
  for (const [at, one] of results.entries()) {
    const { domain, result } = one
    if (domain === question.author) {
      const gap = gapOf(one, ['From'])
      if (gap === null) passed ??= at
      else if (dkim !== 'temperror') dkim = result === 'temperror' ? 'temperror' : 'fail'
      findings.push(`DKIM of ${domain}: ${result}${gap === null ? '' : `, does not count: ${gap}`}`)
    } else if (domain !== null && isOtherWorkspace(domain, question)) {
      const words = `DKIM of ${domain} on a message of ${question.author}`
      if (result === 'pass' && one.uncoveredOctets === 0) conflicts.push(`valid ${words}`)
      if (result === 'temperror') doubts.push(words)
      findings.push(`DKIM of ${domain}, another Workspace: ${result}`)
    }
  }
  if (passed === null) return { ...google, dkim, conflicts, doubts, findings }
  const domain = verified(question.author, 'signature')
  return { ...google, dkim: 'pass', domain, signature: signatureAt(section, passed), conflicts, doubts, findings }
}

/** `b=` of that signature, shortened: a name for all copies of the message. */
function signatureAt(section: HeaderSection, at: number): string | null {
  const field = claimedSignatures(section).dkim[at]?.field
  if (field === undefined) return null
  const b = /(?:^|;)[ \t]{0,9}b[ \t]{0,9}=([^;]{1,4000})/.exec(fieldValue(section, field))?.[1] ?? ''
  return b.replace(/[ \t\r\n]+/g, '').slice(0, 44)
}

function relayingConflict(text: string | null, question: SignatureQuestion): string | null {
  if (text === null) return null
  const domain = parseDomain(text)
  if (isSyntaxFault(domain)) return 'X-Relaying-Domain is no domain'
  const related = [question.author, ...(question.home === null ? [] : [question.home])]
  if (question.isCustomers(domain) || related.some((one) => isAtOrBelow(domain, one) || isAtOrBelow(one, domain)))
    return null
  return `X-Relaying-Domain names ${domain} and From ${question.author}`
}

/** Google's default key, `<domain with hyphens>.<date>.gappssmtp.com`, names the Workspace that sent. */
function isOtherWorkspace(domain: Domain, { author, home, own }: SignatureQuestion): boolean {
  const workspace = workspaceOfDefaultKey(domain)
  if (workspace === null) return false
  return ![author, ...own, ...(home === null ? [] : [home])].some((one) => one.replaceAll('.', '-') === workspace)
}
