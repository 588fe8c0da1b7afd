import type { PolicySnapshot } from '../../../rooms/registry/index.ts'
import type { Evidence } from '../../evidence/evidence.ts'
import type { Subject } from '../attribute.ts'
import type { Counters, DecisionId, StandingFacts, SuppressedFacts } from '../decision.ts'

/** All that a decision may look at. */
export type DecideInput = {
  readonly id: DecisionId
  readonly evidence: Evidence
  /** null when the policy cannot be had: then nothing is allowed and what depends on it is deferred. */
  readonly policy: PolicySnapshot | null
  readonly standing: StandingFacts
  readonly counters: Counters
  /** Absent: no recipient is on a list. */
  readonly suppressed?: SuppressedFacts
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Something that went wrong on our side and makes an acceptance impossible. */
  readonly systemFault?: string | null
}

/** What a rule sees: the input, and whom it concerns. */
export type Matter = Omit<DecideInput, 'systemFault'> & {
  readonly systemFault: string | null
  readonly subject: Subject
}

/** That a rule applies: `because` in this message's own words for the ledger, `about` what the wire may name. */
export type Finding = { readonly because: string; readonly about: string | null }

/** One rule. Null is abstention, which allows nothing. */
export type Check = (matter: Matter) => Finding | null

export function finding(because: string, about: string | null = null): Finding {
  return { because, about }
}
