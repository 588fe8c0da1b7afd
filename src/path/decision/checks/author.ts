import type { Domain } from '../../../standards/names/domain.ts'
import { belongsTo, grantsClass, listsHost, proofGap } from '../authority.ts'
import { awaitsGoogle } from './signatures.ts'
import { type LockGap, lockGap } from '../lock.ts'
import { type Check, type Finding, type Matter, finding } from './matter.ts'

export const authorMalformed: Check = ({ evidence: { message } }) =>
  message?.author.kind === 'malformed' ? finding(message.author.reason, message.author.reason) : null

export const domainNotOwned: Check = (matter) => {
  const { author, owned } = matter.subject
  if (matter.policy === null || author === null || owned !== null || speaksAsOperator(matter)) return null
  return finding(`${author} is no customer's domain`, author)
}

export const domainUnproven: Check = (matter) => {
  const { policy, subject } = matter
  const { author, owned } = subject
  if (policy === null || owned === null || speaksAsOperator(matter)) return null
  const gap = proofGap(owned, policy, matter.now)
  return gap === null ? null : finding(gap, author)
}

export const tenantNotAuthorised: Check = (matter) => {
  const { evidence, policy, subject } = matter
  const { author, owned, source, grant } = subject
  if (policy === null || author === null || evidence.connection.kind === 'lookup-failed') return null
  if (evidence.connection.kind === 'self') {
    return speaksAsOperator(matter)
      ? null
      : finding(`our own mail speaks for ${evidence.connection.operator.value} only`, author)
  }
  if (grant !== null) return lockFinding(matter, 'tenant-not-authorised', author)
  if (awaitsGoogle(matter)) return null
  const owner = owned === null ? 'nobody' : owned.customer
  if (source === null)
    return finding(`${whoSent(matter)} is in no source of the policy; ${author} is owned by ${owner}`, author)
  if (source.customer !== owner)
    return finding(`${whoSent(matter)} is a source of ${source.customer}; ${author} is owned by ${owner}`, author)
  return finding(`${owner} has granted ${source.id} nothing for ${author}`, author)
}

export const classNotAuthorised: Check = (matter) => {
  const { connection, message } = matter.evidence
  const { grant } = matter.subject
  if (message === null || connection.kind === 'lookup-failed') return null
  const named =
    connection.kind === 'self' ? message.class === 'notification' : grant === null || grantsClass(grant, message.class)
  if (named && message.class !== 'forwarded' && message.class !== 'unknown')
    return lockFinding(matter, 'class-not-authorised', message.class)
  const allowed = connection.kind === 'self' ? 'notification' : (grant?.classes.join(', ') ?? 'nothing')
  return finding(`class ${message.class}; the grant names ${allowed || 'nothing'}`, message.class)
}

export const hybridHostNotListed: Check = ({ evidence: { message, m365 }, subject: { source } }) => {
  if (message?.class !== 'hybrid' || source === null) return null
  const host = m365?.attributed?.address ?? null
  if (listsHost(source, host)) return null
  return finding(`${host ?? 'no connecting host is named'}; the owner lists it not for ${source.id}`, host)
}

export const reversePathNotOwned: Check = (matter) => {
  const { envelope, message } = matter.evidence
  const { reversePath } = envelope
  if (reversePath === null) {
    if (message === null || message.report || message.automatic) return null
    return finding('a null reverse-path on a message without the shape of a report or an automatic reply')
  }
  return owns(matter, reversePath.domain) ? null : notTheirs('the reverse-path domain', reversePath.domain, matter)
}

export const senderNotOwned: Check = (matter) => {
  for (const { field, domain } of matter.evidence.message?.otherAuthors ?? []) {
    if (domain === null) return finding(`${field} cannot be read`, null)
    if (!owns(matter, domain)) return notTheirs(`the domain in ${field}`, domain, matter)
  }
  return null
}

/** What the owner's lock has against a message that the policy grants, when it is this rule's to say. */
export function lockFinding(matter: Matter, rule: LockGap['rule'], about: string | null): Finding | null {
  const { evidence, subject } = matter
  const { owned, source, grant, attribution } = subject
  if (owned === null || source === null || grant === null || attribution === null || evidence.message === null) {
    return null
  }
  const messageClass = evidence.message.class
  const gap = lockGap(owned, evidence.lock ?? null, { source, attribution, messageClass })
  return gap?.rule === rule ? finding(gap.because, about) : null
}

/** Our own mail, with the operator domain as its author: the one case that needs no grant. */
export function speaksAsOperator({ evidence: { connection }, subject: { author } }: Matter): boolean {
  return connection.kind === 'self' && author === connection.operator.value
}

/** True also when the source is not known: then another rule answers, since nothing without a source is allowed. */
function owns({ evidence: { connection }, policy, subject: { source }, now }: Matter, domain: Domain): boolean {
  if (connection.kind === 'self') return domain === connection.operator.value
  return policy === null || source === null || belongsTo(policy, source.customer, domain, now)
}

function notTheirs(what: string, domain: Domain, { subject: { source } }: Matter): Finding {
  return finding(`${what} ${domain} is not a proven domain of ${source?.customer ?? 'the customer'}`, domain)
}

function whoSent({ subject: { attribution } }: Matter): string {
  if (attribution === null) return 'the sender'
  switch (attribution.kind) {
    case 'm365':
      return `tenant ${attribution.tenant} with originator ${attribution.originator}`
    case 'google':
      return `the Workspace that signs for ${attribution.domain}`
    case 'smtp-auth':
      return `account ${attribution.account}`
    case 'mtls':
      return `certificate ${attribution.fingerprint}`
    case 'network':
      return `address ${attribution.address}`
    case 'self':
      return 'our own mail'
    default:
      return attribution satisfies never
  }
}
