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
import type { EnvelopeEvidence, Evidence, SessionEvidence } from './evidence.ts'
import { readM365 } from './m365/read-m365.ts'
import { readTrustFields, trustFields } from './m365/trust-fields.ts'
import { readMessage } from './message.ts'
import { classOf, isSrsShaped } from './message-class.ts'

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
  /** Milliseconds since the epoch. */
  readonly now: number
}

const maxClaim = 255

/** Turns what ingress saw into evidence. Waits for DNS only where reverse names are asked for; never throws on a peer's input. */
export async function gatherEvidence(provers: Provers, limits: HeaderLimits, occasion: Occasion): Promise<Evidence> {
  const { session, transaction, message, fault, policy, now } = occasion
  const connection = await proveConnection(provers, session, policy, now)
  const envelope = envelopeOf(transaction)
  const reading = message === null ? null : readMessage(message, limits, envelope.smtputf8)
  const section = reading?.section ?? null
  const m365 =
    connection.kind === 'm365' && section !== null
      ? readM365(readTrustFields(section), transaction?.parameters.xoorg ?? null)
      : null
  return {
    fault,
    session: sessionOf(session),
    connection,
    m365,
    envelope,
    message:
      reading === null
        ? null
        : {
            ...reading.facts,
            class: classOf({
              connection,
              m365,
              envelope,
              report: reading.facts.report,
              automatic: reading.facts.automatic,
            }),
          },
    claims: connection.kind === 'm365' || section === null ? { tenant: null, originator: null } : claimsIn(section),
  }
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
