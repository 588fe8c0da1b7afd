import type { Problem } from '../../../standards/yaml/problem.ts'
import type { CheckedPolicy } from './checked-policy.ts'

/** Everything that is wrong: `lines` as `FILE:LINE:COLUMN path: message`, `problems` for machines. */
export type PolicyProblems = { readonly problems: readonly Problem[]; readonly lines: readonly string[] }

export function isPolicyProblems(read: CheckedPolicy | PolicyProblems): read is PolicyProblems {
  return 'problems' in read
}
