import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { decide, decideAtMail, decideAtRcpt } from './decide.ts'
import type { Decision, DecisionId, DecisionRecord } from './decision.ts'
import type { RuleId } from './rules.ts'

export type Replay = {
  /** null: the same input now gives no decision at all (at MAIL). */
  readonly verdict: Decision['verdict'] | null
  readonly rule: RuleId | null
  readonly same: boolean
}

const judgesAt = { mail: decideAtMail, rcpt: decideAtRcpt, data: decide }

/** Judges a recorded decision again with the policy of its `policyVersion` (null where that is 0). A permit that this mints is thrown away. */
export function replay(id: DecisionId, record: DecisionRecord, policyAtVersion: PolicySnapshot | null): Replay {
  const { evidence, standing, counters, suppressed, now, systemFault } = record
  const listed = suppressed === undefined ? {} : { suppressed }
  const input = { id, evidence, policy: policyAtVersion, standing, counters, ...listed, now, systemFault }
  const again = judgesAt[record.at](input)
  if (again === null) return { verdict: null, rule: null, same: false }
  return {
    verdict: again.verdict,
    rule: again.rule,
    same: again.verdict === record.verdict && again.rule === record.rule,
  }
}
