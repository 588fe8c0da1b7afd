import { readFile } from 'node:fs/promises'
import type { Applied } from './applying.ts'
import type { PolicyContext } from './document/context.ts'
import { isPolicyProblems } from './document/problems.ts'
import { readPolicyFor } from './read-policy-for.ts'
import type { Registry } from './registry.ts'

/** What became of a policy file: applied, or left alone with every problem as `FILE:LINE:COLUMN path: message`. */
export type PolicyFileAnswer = Applied | { readonly problems: readonly string[] }

/**
 * Makes the policy be what the file says, where the configuration names one. A file that cannot be read, or in which anything is wrong,
 * changes nothing: the policy in force stays. `name` is how the problems call it.
 */
export async function applyPolicyFile(
  registry: Registry,
  path: string,
  context: PolicyContext,
  name: string = path,
): Promise<PolicyFileAnswer> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return { problems: [`${name}:1:1 cannot be read: ${(error as Error).message}`] }
  }
  const policy = await readPolicyFor(registry, { text, file: name, report: true }, context)
  if (isPolicyProblems(policy)) return { problems: policy.lines }
  return registry.apply(policy, 'policy file', `read from ${name}`)
}
