import type { Log } from '../../platform/log.ts'
import { type PolicyContext, type Registry, applyPolicyFile } from '../../rooms/registry/index.ts'

/**
 * Takes the policy file of the configuration, which is the authority where there is one. Answers what is wrong with it, line by line:
 * then the policy in force stays.
 */
export async function takePolicyFile(
  file: string | null,
  registry: Registry,
  context: PolicyContext,
  log: Log,
): Promise<readonly string[]> {
  if (file === null) return []
  const answer = await applyPolicyFile(registry, file, context)
  if ('problems' in answer) {
    log.error('the policy file has errors; the policy in force stays', { file, problems: answer.problems.length })
    return answer.problems
  }
  for (const line of answer.plan) log.info('policy changed', { line, version: answer.version })
  return []
}
