import type { Dns } from '../../../platform/dns.ts'
import type { ArcResult, ArcSetResult } from '../../../standards/arc/index.ts'
import type { SignatureResult } from '../../../standards/dkim/index.ts'
import type { HeaderSection } from '../../../standards/message/header-section.ts'
import { type Domain, isAtOrBelow } from '../../../standards/names/domain.ts'
import { isInitialDomain, m365Sealer } from '../../../standards/providers/index.ts'
import type { ReceivedMessage } from '../../ingress/index.ts'
import type { M365Evidence, ProviderProof } from '../evidence.ts'
import { type SealedResults, readSealedResults } from './authentication-results.ts'
import { type ClaimedSignature, claimedSignatures } from './claimed-signatures.ts'
import type { SignatureQuestion } from './question.ts'
import { gapOf } from './signature-gap.ts'
import { verifySignatures } from './verify.ts'

type Signed = Pick<M365Evidence, 'dkim' | 'arc' | 'conflicts' | 'doubts' | 'findings'>

const senderAdCheck = 'X-MS-Exchange-SenderADCheck'

/**
 * What Exchange Online's own DKIM signature and ARC set add to its stamps (threats 2.4). Without a question, and with one that says `off`,
 * nothing is verified, unless what a signature or a set says of itself would contradict the stamps or the author if it were genuine: then
 * it is, since a genuine contradiction refuses in every mode.
 */
export async function withM365Signatures(
  m365: M365Evidence,
  section: HeaderSection,
  message: ReceivedMessage,
  ask: () => SignatureQuestion | null,
  { dns, now }: { readonly dns: Dns; readonly now: number },
): Promise<M365Evidence> {
  if (!section.fields.some(({ name }) => name === 'dkim-signature' || name.startsWith('arc-')))
    return { ...m365, dkim: 'none', arc: 'none' }
  const question = ask()
  if (question === null) return m365
  const claimed = claimedSignatures(section)
  const isSuspect = ({ domain, providerShaped }: ClaimedSignature): boolean =>
    domain !== null && (providerShaped || isMailbox(m365)) && isForeign(domain, question)
  const suspects = claimed.dkim.filter(isSuspect).flatMap(({ domain }) => domain ?? [])
  const wantsDkim = question.dkim !== 'off' || suspects.length > 0
  const wantsArc =
    question.arc !== 'off' || (claimed.arc !== null && contradictionsIn(claimed.arc, m365, question).length > 0)
  if (!wantsDkim && !wantsArc) return withAbsence(m365, claimed.dkim.length === 0, claimed.arc === null)
  const worthALook = new Set<string>([...countedDomains(question), ...suspects])
  const wanted = { dkim: wantsDkim ? (domain: string) => worthALook.has(domain) : null, arc: wantsArc }
  const { dkim, arc } = await verifySignatures(dns, section, message, wanted, now)
  return [
    dkim === null ? null : judgeDkim(dkim, m365, question),
    arc === null ? null : judgeArc(arc, m365, question),
  ].reduce<M365Evidence>(joined, withAbsence(m365, claimed.dkim.length === 0, claimed.arc === null))
}

function joined(m365: M365Evidence, judged: Partial<Signed> | null): M365Evidence {
  if (judged === null) return m365
  return {
    ...m365,
    ...judged,
    conflicts: [...m365.conflicts, ...(judged.conflicts ?? [])],
    doubts: [...m365.doubts, ...(judged.doubts ?? [])],
    findings: [...m365.findings, ...(judged.findings ?? [])],
  }
}

function withAbsence(m365: M365Evidence, noDkim: boolean, noArc: boolean): M365Evidence {
  if (!noDkim && !noArc) return m365
  return { ...m365, dkim: noDkim ? 'none' : m365.dkim, arc: noArc ? 'none' : m365.arc }
}

function judgeDkim(
  results: readonly SignatureResult[],
  m365: M365Evidence,
  question: SignatureQuestion,
): Partial<Signed> {
  const counted = countedDomains(question)
  const conflicts: string[] = []
  const doubts: string[] = []
  const findings: string[] = []
  let proof: ProviderProof = 'none'
  for (const one of results) {
    const { domain } = one
    if (domain === null) continue
    if (counted.includes(domain)) {
      const gap = gapOf(one, ['From', senderAdCheck])
      proof = better(proof, gap === null ? 'pass' : one.result === 'temperror' ? 'temperror' : 'fail')
      findings.push(`DKIM of ${domain}: ${one.result}${gap === null ? '' : `, does not count: ${gap}`}`)
    } else if (
      isForeign(domain, question) &&
      (isMailbox(m365) || one.signedFields.includes(senderAdCheck.toLowerCase()))
    ) {
      const words = `DKIM of ${domain} on a message of ${question.author}`
      if (one.result === 'pass' && one.uncoveredOctets === 0) conflicts.push(`valid ${words}`)
      if (one.result === 'temperror') doubts.push(words)
      findings.push(`DKIM of ${domain}, which is not the customer's: ${one.result}`)
    }
  }
  return { dkim: proof, conflicts, doubts, findings }
}

const order: readonly ProviderProof[] = ['not-evaluated', 'none', 'fail', 'temperror', 'pass']

function better(one: ProviderProof, other: ProviderProof): ProviderProof {
  return order.indexOf(other) > order.indexOf(one) ? other : one
}

function judgeArc(arc: ArcResult, m365: M365Evidence, question: SignatureQuestion): Partial<Signed> {
  const newest = arc.sets.at(-1)
  if (arc.result === 'none') return { arc: 'none' }
  if (newest === undefined) return { arc: 'fail', findings: [`ARC: ${arc.reason}`] }
  const isMicrosofts = sealersOf(newest).every((domain) => domain === m365Sealer)
  const results = readSealedResults(newest.authenticationResults)
  const contradictions = isMicrosofts ? contradictionsIn(results, m365, question) : []
  const named = `ARC set ${newest.instance} of ${newest.seal.domain}`
  if (arc.result !== 'pass') {
    const temporary = arc.temporary && isMicrosofts
    return {
      arc: temporary ? 'temperror' : 'fail',
      doubts: temporary ? contradictions : [],
      findings: [`${named}: ${arc.reason}`],
    }
  }
  const gap = isMicrosofts ? shapeGap(newest, results, question) : 'the newest set is not sealed by Microsoft'
  return {
    arc: gap === null && contradictions.length === 0 ? 'pass' : 'fail',
    conflicts: contradictions,
    findings: [`${named}: valid${gap === null ? '' : `, does not count: ${gap}`}`],
  }
}

function sealersOf({ seal, messageSignature }: ArcSetResult): readonly (Domain | null)[] {
  return [seal.domain, messageSignature?.domain ?? null]
}

/** Why a valid set is not "written in a mailbox of the author domain", or null. The seal covers what is read here. */
function shapeGap(
  { instance, messageSignature }: ArcSetResult,
  { authservId, methods, author, sender }: SealedResults,
  question: SignatureQuestion,
): string | null {
  if (instance !== 1) return `the newest set is number ${instance}`
  if (messageSignature?.signedFields.includes('from') !== true) return 'it does not cover From'
  if (messageSignature.uncoveredOctets !== 0) return 'it leaves a part of the body uncovered'
  if (authservId !== 'mx.microsoft.com') return 'its results are those of another host'
  if (sender !== null) return 'it came by SMTP'
  if (author !== question.author) return 'it does not name the author domain'
  const unproven = (['spf', 'dkim', 'dmarc'] as const).find((method) => methods.get(method) !== 'pass')
  if (unproven !== undefined) return `${unproven} did not pass`
  return (methods.get('arc') ?? 'none') === 'none' ? null : 'it was sealed before'
}

/** What Microsoft's results say against the author and against its own stamps. */
function contradictionsIn(results: SealedResults, m365: M365Evidence, question: SignatureQuestion): readonly string[] {
  const found: string[] = []
  if (results.author !== null && results.author !== question.author) {
    found.push(`ARC names the author domain ${results.author} and From ${question.author}`)
  }
  if (results.sender === null) return found
  if (isMailbox(m365)) found.push(`ARC names the sending host ${results.sender} and the stamps a mailbox`)
  else if (m365.attributed !== null && m365.attributed.address !== results.sender) {
    found.push(`ARC names the sending host ${results.sender} and the stamps ${m365.attributed.address}`)
  }
  return found
}

/** By the stamps: written in a mailbox, where nobody but Exchange Online can have signed it. */
function isMailbox({ entity, authAs }: M365Evidence): boolean {
  return entity === 'hosted' && authAs === 'internal'
}

function countedDomains({ own, home }: SignatureQuestion): readonly Domain[] {
  return home === null ? own : [...own, home]
}

/** Whether a signature of this domain names somebody else. An initial domain that nobody recorded may be the tenant's own. */
function isForeign(domain: Domain, question: SignatureQuestion): boolean {
  if (countedDomains(question).includes(domain) || question.isCustomers(domain)) return false
  if (isAtOrBelow(domain, question.author) || isAtOrBelow(question.author, domain)) return false
  return question.home !== null || !isInitialDomain(domain)
}
