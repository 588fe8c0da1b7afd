import { belongsTo, grantsClass, keysFor } from '../authority.ts'
import { exceeded } from '../limits.ts'
import { lockGap } from '../lock.ts'
import { lockFinding, speaksAsOperator } from './author.ts'
import { type Check, type Matter, finding } from './matter.ts'
import { signaturesSuffice, unresolvedSignature } from './signatures.ts'

export const lookupFailed: Check = (matter) => {
  const { evidence, policy } = matter
  if (evidence.connection.kind === 'lookup-failed') return finding(evidence.connection.because)
  if (policy === null) return finding('the policy cannot be had')
  const unresolved = unresolvedSignature(matter)
  if (unresolved !== null) return finding(unresolved)
  return speaksAsOperator(matter) ? null : lockFinding(matter, 'lookup-failed', null)
}

export const keyNotReady: Check = ({ policy, subject: { source, grant, author } }) => {
  if (policy === null || source === null || grant === null || author === null) return null
  if (keysFor(policy, source.customer, source.id, author).length > 0) return null
  return finding(`no key of ${author} for ${source.id} is active`, author)
}

export const systemFault: Check = ({ systemFault: fault }) => (fault === null ? null : finding(fault))

export const rateExceeded: Check = ({ evidence, policy, counters, subject: { grant } }) => {
  if (policy === null || grant === null) return null
  const plan = policy.customers.get(grant.customer)?.plan ?? null
  const limit = exceeded(grant, plan, counters, evidence.envelope.recipients.length)
  return limit === null ? null : finding(`over ${limit}, grant ${grant.id}`, limit)
}

export const held: Check = (matter) =>
  matter.standing.hold === null || !isGranted(matter) ? null : finding(`held: ${matter.standing.hold.reason}`)

export const accepted: Check = (matter) => {
  if (!isGranted(matter)) return null
  const { source, grant, author } = matter.subject
  const messageClass = matter.evidence.message?.class ?? 'unknown'
  if (grant === null) return finding(`our own ${messageClass} for ${author ?? 'nobody'}`)
  return finding(`grant ${grant.id} lets ${source?.id ?? 'nobody'} send ${messageClass} mail as ${author ?? 'nobody'}`)
}

/**
 * The one yes. It does not follow from all the other rules being silent: each leg that an acceptance stands on is there, or there is none.
 */
export function isGranted(matter: Matter): boolean {
  const { evidence, policy, subject, now } = matter
  const { attribution, source, owned, grant, author } = subject
  const messageClass = evidence.message?.class ?? 'unknown'
  if (policy === null || author === null) return false
  if (evidence.connection.kind === 'self') return speaksAsOperator(matter) && messageClass === 'notification'
  return (
    source !== null &&
    owned !== null &&
    grant !== null &&
    attribution !== null &&
    lockGap(owned, evidence.lock ?? null, { source, attribution, messageClass }) === null &&
    belongsTo(policy, source.customer, author, now) &&
    grantsClass(grant, messageClass) &&
    signaturesSuffice(matter) &&
    keysFor(policy, source.customer, source.id, author).length > 0
  )
}
