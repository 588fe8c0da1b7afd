import { type Problem, formatProblem, mergeProblems, sortProblems } from '../../../standards/yaml/problem.ts'
import { YamlSource } from '../../../standards/yaml/source.ts'
import { checkAddresses } from './check-addresses.ts'
import { checkOwnership } from './check-ownership.ts'
import { checkSources } from './check-sources.ts'
import type { PolicyContext } from './context.ts'
import { documentOf, readDrafts } from './draft.ts'
import type { PolicyProblems } from './problems.ts'
import type { CustomerDocument } from './schema.ts'

declare const checked: unique symbol

/** A whole policy in which nothing is wrong. Only `readPolicy` makes one, and nothing else can be applied. */
export type CheckedPolicy = { readonly customers: readonly CustomerDocument[]; readonly [checked]: true }

/** Reads a policy in YAML or JSON. `file` names it in the problems. On any problem at all there is no policy. */
export function readPolicy(text: string, file: string, context: PolicyContext): CheckedPolicy | PolicyProblems {
  const source = new YamlSource(text)
  if (!source.isReadable) return told(file, sortProblems(source.problems))
  const { drafts, problems } = readDrafts(source)
  const across = [
    ...checkSources(source, drafts),
    ...checkOwnership(source, drafts, context.operator),
    ...checkAddresses(source, drafts, context.ranges),
  ]
  const all = mergeProblems([...source.problems, ...problems], across)
  return all.length > 0 ? told(file, all) : ({ customers: drafts.map(documentOf) } as unknown as CheckedPolicy)
}

function told(file: string, problems: readonly Problem[]): PolicyProblems {
  return { problems, lines: problems.map((problem) => formatProblem(file, problem)) }
}
