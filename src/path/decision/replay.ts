import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { decide, decideAtMail } from './decide.ts'
import type { Decision, DecisionId, DecisionRecord } from './decision.ts'
import type { RuleId } from './rules.ts'

export type Replay = {
  /** null: the same input now gives no decision at all (at MAIL). */
  readonly verdict: Decision['verdict'] | null
  readonly rule: RuleId | null
  readonly same: boolean
}

/** Judges a recorded decision again with the policy of its `policyVersion` (null where that is 0). A permit that this mints is thrown away. */
export function replay(id: DecisionId, record: DecisionRecord, policyAtVersion: PolicySnapshot | null): Replay {
  const { evidence, standing, counters, now, systemFault } = record
  const input = { id, evidence, policy: policyAtVersion, standing, counters, now, systemFault }
  const again = record.at === 'mail' ? decideAtMail(input) : decide(input)
  if (again === null) return { verdict: null, rule: null, same: false }
  return {
    verdict: again.verdict,
    rule: again.rule,
    same: again.verdict === record.verdict && again.rule === record.rule,
  }
}
