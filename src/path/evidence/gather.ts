import type { Dns } from '../../platform/dns.ts'
import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { claimed } from '../../standards/claim.ts'
import {
  type HeaderLimits,
  type HeaderSection,
  fieldsNamed,
  fieldValue,
} from '../../standards/message/header-section.ts'
import type { ReceivedMessage, Session, Transaction } from '../ingress/index.ts'
import { fingerprintOf } from './certificate/fingerprint.ts'
import { type Provers, proveConnection } from './connection.ts'
import type { ConnectionProof, EnvelopeEvidence, Evidence, MessageEvidence, SessionEvidence } from './evidence.ts'
import { readM365 } from './m365/read-m365.ts'
import { readTrustFields, trustFields } from './m365/trust-fields.ts'
import { type MessageReading, readMessage } from './message.ts'
import { classOf, isSrsShaped } from './message-class.ts'
import { readGoogle, withGoogleSignatures } from './signatures/google-signatures.ts'
import { withM365Signatures } from './signatures/m365-signatures.ts'
import type { AskPolicy } from './signatures/question.ts'

/** One moment at which something is to be judged. */
export type Occasion = {
  readonly session: Session
  /** null before MAIL. */
  readonly transaction: Transaction | null
  /** null before the end of data, and when ingress kept no message. */
  readonly message: ReceivedMessage | null
  readonly fault: Evidence['fault']
  /** null when the policy cannot be had. */
  readonly policy: PolicySnapshot | null
  /** What the policy wants to know of signatures; absent: nothing. */
  readonly ask?: AskPolicy
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What gathering works with. */
export type Tools = { readonly provers: Provers; readonly limits: HeaderLimits; readonly dns: Dns }

const maxClaim = 255

/**
 * Turns what ingress saw into evidence. Waits for DNS only where reverse names are asked for, and for the keys of signatures that the policy
 * asks for; never throws on a peer's input.
 */
export async function gatherEvidence({ provers, limits, dns }: Tools, occasion: Occasion): Promise<Evidence> {
  const { session, transaction, message, fault, policy, now } = occasion
  const connection = await proveConnection(provers, session, policy, now)
  const envelope = envelopeOf(transaction)
  const reading = message === null ? null : readMessage(message, limits, envelope.smtputf8)
  const section = reading?.section ?? null
  const m365 =
    connection.kind === 'm365' && section !== null
      ? readM365(readTrustFields(section), transaction?.parameters.xoorg ?? null)
      : null
  const google = connection.kind === 'google' && section !== null ? readGoogle(section) : null
  const isProvider = connection.kind === 'm365' || connection.kind === 'google'
  const evidence: Evidence = {
    fault,
    session: sessionOf(session),
    connection,
    m365,
    google,
    envelope,
    message: reading === null || message === null ? null : messageOf(reading, message, { connection, m365, envelope }),
    claims: isProvider || section === null ? { tenant: null, originator: null } : claimsIn(section),
  }
  return section === null || message === null ? evidence : withSignatures(evidence, section, message, occasion, dns)
}

function messageOf(
  { facts, section }: MessageReading,
  { relaxedBodyHash }: ReceivedMessage,
  known: Pick<Evidence, 'm365' | 'envelope'> & { readonly connection: ConnectionProof },
): MessageEvidence {
  const { connection } = known
  const isProvider = connection.kind === 'm365' || connection.kind === 'google'
  const { report, automatic } = facts
  const forwardMark = connection.kind === 'google' && section !== null && hasForwardMark(section)
  return {
    ...facts,
    class: classOf({ ...known, report, automatic, forwardMark }),
    ...(isProvider ? { bodyHash: relaxedBodyHash.toString('base64') } : {}),
  }
}

/** What signatures add, of a provider's mail alone: there only they tell more than the connection. */
async function withSignatures(
  evidence: Evidence,
  section: HeaderSection,
  message: ReceivedMessage,
  { ask, now }: Occasion,
  dns: Dns,
): Promise<Evidence> {
  const { m365, google } = evidence
  const question = (): ReturnType<AskPolicy> => ask?.(evidence) ?? null
  if (m365 !== null)
    return { ...evidence, m365: await withM365Signatures(m365, section, message, question, { dns, now }) }
  if (google === null) return evidence
  return { ...evidence, google: await withGoogleSignatures(google, section, message, question(), { dns, now }) }
}

function hasForwardMark(section: HeaderSection): boolean {
  return section.fields.some(({ name }) => name === 'x-forwarded-to' || name === 'x-forwarded-for')
}

function sessionOf({ listener, client, greeting, tls }: Session): SessionEvidence {
  const leaf = tls?.clientChain[0]
  return {
    listener,
    client: client.address,
    greeting,
    tls:
      tls === null
        ? null
        : { protocol: tls.protocol, cipher: tls.cipher, certificate: leaf === undefined ? null : fingerprintOf(leaf) },
  }
}

function envelopeOf(transaction: Transaction | null): EnvelopeEvidence {
  if (transaction === null) return { reversePath: null, srsShaped: false, recipients: [], smtputf8: false }
  return {
    reversePath: transaction.reversePath,
    srsShaped: transaction.reversePath !== null && isSrsShaped(transaction.reversePath.localPart),
    recipients: transaction.forwardPaths.map(({ mailbox }) => mailbox),
    smtputf8: transaction.parameters.smtputf8,
  }
}

/** What an unproven connection says of itself: the first field of each name, cut short. */
function claimsIn(section: HeaderSection): Evidence['claims'] {
  const first = (name: string) => {
    const [field] = fieldsNamed(section, name)
    return field === undefined ? null : claimed(fieldValue(section, field).slice(0, maxClaim), 'header')
  }
  return { tenant: first(trustFields.tenant), originator: first(trustFields.originator) }
}
