import { isSyntaxFault } from '../../../standards/fault.ts'
import type { Mailbox } from '../../../standards/names/mailbox.ts'
import { parseOwnerLock } from '../../../standards/owner-lock/owner-lock.ts'
import type {
  ConnectionProof,
  Evidence,
  GoogleEvidence,
  LockEvidence,
  M365Evidence,
  MessageEvidence,
} from '../../evidence/evidence.ts'
import type { DecideInput } from '../checks/matter.ts'
import type { Counters } from '../decision.ts'
import { newDecisionId } from '../decision-id.ts'
import { acme, acmeTenant, domain, evil, ip, now, operatorDomain, policyOf } from './policy.ts'

/** Evidence for tests: valid as it comes, so that a test breaks one thing. */

export const id = newDecisionId(now, 0, 1)

export function mailbox(address: string): Mailbox {
  const at = address.lastIndexOf('@')
  return { localPart: address.slice(0, at), domain: domain(address.slice(at + 1)) }
}

/** Stands in for the evidence room, which alone can make proofs: tests describe what it would have found. */
export function proven<T>(value: T): never {
  return { value, proof: 'stamped' } as never
}

const m365Connection: ConnectionProof = {
  kind: 'm365',
  network: proven('40.107.0.0/16'),
  certificate: proven('mail.protection.outlook.com'),
  relayPool: false,
  fcrdns: 'off',
}

export const hostedFields: M365Evidence = {
  duplicates: [],
  malformed: [],
  tenant: proven(acmeTenant),
  originator: proven(domain('acme.example')),
  consumer: false,
  xoorg: { kind: 'absent' },
  attributed: null,
  authAs: 'internal',
  entity: 'hosted',
  senderAdCheck: '1',
  networkMessageId: null,
  conflicts: [],
  doubts: [],
  dkim: 'not-evaluated',
  arc: 'not-evaluated',
  findings: [],
}

export const hostedMessage: MessageEvidence = {
  size: 2000,
  class: 'hosted',
  malformed: null,
  author: { kind: 'mailbox', mailbox: mailbox('alice@acme.example') },
  otherAuthors: [],
  report: false,
  automatic: false,
  subject: 'Hello',
  messageId: '<1@acme.example>',
  receivedCount: 2,
}

/** A mailbox user of Acme's tenant writes to one person. */
export const hosted: Evidence = {
  fault: null,
  session: { listener: 'upstream', client: ip('40.107.1.1'), greeting: null, tls: null },
  connection: m365Connection,
  m365: hostedFields,
  google: null,
  envelope: {
    reversePath: mailbox('alice@acme.example'),
    srsShaped: false,
    recipients: [mailbox('bob@receiver.example')],
    smtputf8: false,
  },
  message: hostedMessage,
  claims: { tenant: null, originator: null },
}

/** Acme's own on-premises server sends through Acme's tenant. */
export const hybrid: Evidence = over(hosted, {
  m365: {
    authAs: 'anonymous',
    entity: 'hybridonprem',
    attributed: { tenant: acmeTenant, address: ip('198.51.100.7'), helo: 'mail.acme.example' },
  },
  message: { class: 'hybrid' },
})

/** Acme's program logs in with its account. */
export const account: Evidence = {
  ...hosted,
  connection: { kind: 'smtp-auth', account: proven('crm@acme'), source: { customer: 'acme', source: 'acme-crm' } },
  m365: null,
}

/** Acme's Workspace hands over what Acme's key has signed. */
export const workspace: Evidence = {
  ...hosted,
  connection: { kind: 'google', network: proven('209.85.128.0/17') },
  m365: null,
  google: {
    domain: proven(domain('acme.example')),
    dkim: 'pass',
    signature: 'c2lnbmF0dXJl',
    relayingDomain: null,
    duplicates: [],
    conflicts: [],
    doubts: [],
    findings: [],
  },
}

/** A report that we write ourselves. */
export const ownReport: Evidence = over(
  {
    ...hosted,
    connection: { kind: 'self', operator: proven(operatorDomain) },
    m365: null,
  },
  {
    envelope: { reversePath: null },
    message: {
      class: 'notification',
      report: true,
      author: { kind: 'mailbox', mailbox: mailbox('postmaster@relay.example.net') },
    },
  },
)

export type EvidenceChanges = {
  readonly fault?: Evidence['fault']
  readonly connection?: ConnectionProof
  readonly m365?: Partial<M365Evidence>
  readonly google?: Partial<GoogleEvidence>
  readonly envelope?: Partial<Evidence['envelope']>
  readonly message?: Partial<MessageEvidence>
}

/** The evidence with some of its facts replaced. */
export function over(evidence: Evidence, changes: EvidenceChanges): Evidence {
  return {
    ...evidence,
    fault: changes.fault ?? evidence.fault,
    connection: changes.connection ?? evidence.connection,
    m365: evidence.m365 === null ? null : { ...evidence.m365, ...changes.m365 },
    google: evidence.google === null ? null : { ...evidence.google, ...changes.google },
    envelope: { ...evidence.envelope, ...changes.envelope },
    message: evidence.message === null ? null : { ...evidence.message, ...changes.message },
  }
}

const zero = { messagesLastHour: 0, messagesLastDay: 0, recipientsLastHour: 0, recipientsLastDay: 0 }
export const noCounts: Counters = { grant: zero, customer: zero }

/** A case that is accepted, with parts of it replaced. */
export function asked(changes: Partial<DecideInput> = {}): DecideInput {
  return {
    id,
    evidence: hosted,
    policy: policyOf([acme, evil]),
    standing: { suspended: null, hold: null },
    counters: noCounts,
    now,
    ...changes,
  }
}

/** The lock of acme.example, or of another domain, as its owner's record has it after the version. */
export function lockOf(record: string, name = 'acme.example'): LockEvidence {
  const lock = parseOwnerLock([`v=anechoic1; ${record}`])
  if (isSyntaxFault(lock)) throw new Error(lock.reason)
  return { kind: 'read', domain: domain(name), lock }
}
