import { type Problem, formatProblem, mergeProblems, sortProblems } from '../../../standards/yaml/problem.ts'
import { openListText } from '../../../standards/yaml/list-source.ts'
import { checkAddresses } from './check-addresses.ts'
import { checkDomains } from './check-domains.ts'
import { checkOwnership } from './check-ownership.ts'
import { checkPools } from './check-pools.ts'
import { checkSources } from './check-sources.ts'
import { type CheckedPolicy, checkedPolicy } from './checked-policy.ts'
import type { PolicyContext } from './context.ts'
import { documentOf, readDrafts } from './draft.ts'
import type { PolicyProblems } from './problems.ts'

export type { CheckedPolicy } from './checked-policy.ts'

/** Reads a policy in YAML or JSON. `file` names it in the problems. On any problem at all there is no policy. */
export function readPolicy(text: string, file: string, context: PolicyContext): CheckedPolicy | PolicyProblems {
  const source = openListText(text, 'customers')
  if (!source.isReadable) return told(file, sortProblems(source.problems), [])
  const { drafts, problems } = readDrafts(source)
  const domains = checkDomains(source, drafts, context.operator, context.proved ?? new Map())
  const across = [
    ...checkSources(source, drafts),
    ...domains.problems,
    ...checkOwnership(source, drafts, domains.owners),
    ...checkAddresses(source, drafts, context.ranges),
    ...checkPools(source, drafts, context.pools),
  ]
  const all = mergeProblems([...source.problems, ...problems], across)
  if (all.length > 0) return told(file, all, domains.refusedClaims)
  return checkedPolicy(new Map(drafts.map((draft) => [draft.id, JSON.stringify(documentOf(draft))])))
}

function told(
  file: string,
  problems: readonly Problem[],
  refusedClaims: PolicyProblems['refusedClaims'],
): PolicyProblems {
  return { problems, lines: problems.map((problem) => formatProblem(file, problem)), refusedClaims }
}
