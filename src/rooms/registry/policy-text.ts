import type { PolicyContext } from './document/context.ts'
import type { PolicyProblems } from './document/problems.ts'
import type { CheckedPolicy } from './document/read-policy.ts'

/**
 * Reads a policy in YAML or JSON. `file` names it in the problems. On any problem at all there is no policy.
 * The parser and the schema are loaded by the first call: a relay that starts again after a crash does without them.
 */
export async function readPolicy(
  text: string,
  file: string,
  context: PolicyContext,
): Promise<CheckedPolicy | PolicyProblems> {
  const document = await import('./document/read-policy.ts')
  return document.readPolicy(text, file, context)
}
