import type { Problem } from '../../../standards/yaml/problem.ts'
import type { CheckedPolicy } from './checked-policy.ts'

/** A claim to a domain that is another customer's. Both are to hear of it. */
export type RefusedClaim = { readonly domain: string; readonly claimant: string; readonly holder: string }

/** Everything that is wrong: `lines` as `FILE:LINE:COLUMN path: message`, `problems` for machines. */
export type PolicyProblems = {
  readonly problems: readonly Problem[]
  readonly lines: readonly string[]
  readonly refusedClaims: readonly RefusedClaim[]
}

export function isPolicyProblems(read: CheckedPolicy | PolicyProblems): read is PolicyProblems {
  return 'problems' in read
}
