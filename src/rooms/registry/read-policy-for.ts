import type { CheckedPolicy } from './document/checked-policy.ts'
import type { PolicyContext } from './document/context.ts'
import { type PolicyProblems, isPolicyProblems } from './document/problems.ts'
import { readPolicy } from './policy-text.ts'
import type { Registry } from './registry.ts'

/**
 * Reads a policy that is meant for a registry, against what has been proved there. With `report` the claims for which it is refused are
 * told to claimant and holder.
 */
export async function readPolicyFor(
  registry: Pick<Registry, 'proved' | 'reportRefusedClaims'>,
  { text, file, report }: { readonly text: string; readonly file: string; readonly report: boolean },
  context: PolicyContext,
): Promise<CheckedPolicy | PolicyProblems> {
  const policy = await readPolicy(text, file, { ...context, proved: await registry.proved() })
  if (report && isPolicyProblems(policy)) await registry.reportRefusedClaims(policy.refusedClaims)
  return policy
}
