import type { ConnectionProof, EnvelopeEvidence, M365Evidence, MessageClass } from './evidence.ts'

/** What the class is read from. */
export type ClassFacts = {
  readonly connection: ConnectionProof
  readonly m365: M365Evidence | null
  readonly envelope: Pick<EnvelopeEvidence, 'reversePath' | 'srsShaped'>
  readonly report: boolean
  readonly automatic: boolean
  /** Gmail's own mark on what a rule sent on (X-Forwarded-To, X-Forwarded-For). */
  readonly forwardMark?: boolean
}

/**
 * The class of a message (contract, "Classes"). Marks of forwarding beat all others: an honest tenant stamps its own name on mail that
 * it did not write, and that mail must not be signed whatever else it carries. Next comes a SenderADCheck that says "not mine". Only then
 * is it asked whether this is a notification, and last where it was written. A Workspace is like any other source of one party: what its
 * domain signed was written there.
 *
 * SenderADCheck that is absent says nothing: the contract lists "SenderADCheck other than 1" beside "AuthAs absent", so the one is a
 * value and the other a gap; absence was seen on forwarded mail only (12 of 12, threats 2.4), which FromEntityHeader marks already, and
 * requirement 7 there reads "present and other than 1".
 */
export function classOf(facts: ClassFacts): MessageClass {
  const { connection, m365, envelope } = facts
  switch (connection.kind) {
    case 'self':
      return 'notification'
    case 'smtp-auth':
    case 'mtls':
    case 'network':
      if (envelope.srsShaped) return 'forwarded'
      return isNullPathReport(facts) ? 'notification' : 'hosted'
    case 'google':
      if (envelope.srsShaped || facts.forwardMark === true) return 'forwarded'
      return isNullPathReport(facts) ? 'notification' : 'hosted'
    case 'm365':
      if (envelope.srsShaped || connection.relayPool) return 'forwarded'
      return m365 === null ? 'unknown' : classFromStamps(m365, isNullPathReport(facts))
    case 'unproven':
    case 'lookup-failed':
      return 'unknown'
    default:
      return connection satisfies never
  }
}

function classFromStamps(m365: M365Evidence, nullPathReport: boolean): MessageClass {
  const { entity, authAs, senderAdCheck, attributed, tenant } = m365
  if (entity === 'internet' || senderAdCheck === '0') return 'forwarded'
  if (senderAdCheck !== null && senderAdCheck !== '1') return 'unknown'
  if (nullPathReport && authAs === 'internal') return 'notification'
  if (entity === 'hosted' && authAs === 'internal') return 'hosted'
  const knownOrigin = authAs === 'internal' || authAs === 'anonymous'
  const ownHost = attributed !== null && tenant !== null && attributed.tenant === tenant.value
  return entity === 'hybridonprem' && knownOrigin && ownHost ? 'hybrid' : 'unknown'
}

function isNullPathReport({ envelope, report, automatic }: ClassFacts): boolean {
  return envelope.reversePath === null && (report || automatic)
}

/** Sender rewriting: `SRS0=…`, `SRS1=…`, Exchange Online's `…+SRS=…` and Gmail's `…+caf_=…`. Who bears such a reverse-path did not write the message. */
export function isSrsShaped(localPart: string): boolean {
  return /^srs[01][-+=]|\+(?:srs|caf_)=/i.test(localPart)
}
