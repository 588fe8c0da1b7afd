import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { Evidence, SignatureQuestion } from '../evidence/index.ts'
import { subjectOf } from './attribute.ts'
import { grantOf } from './authority.ts'

/**
 * What the policy wants to know of the signatures on a message, of which all else is gathered: null when no grant could apply, since then
 * nothing that they say would matter. Of Google the author's own signature is the only thing that names the source, so it is wanted
 * whenever the owner of the author domain has granted one.
 */
export function signatureQuestion(
  evidence: Evidence,
  policy: PolicySnapshot | null,
  now: number,
): SignatureQuestion | null {
  if (policy === null) return null
  const { source, author, owned, grant } = subjectOf(evidence, policy, now)
  if (author === null || owned === null) return null
  const isCustomers = (domain: Domain): boolean => policy.ownerOf(domain)?.customer === owned.customer
  const own = owned.name === author ? [author] : [author, owned.name]
  if (evidence.connection.kind === 'google') {
    const workspace = policy.googleSource(author)
    if (workspace === null || grantOf(policy, workspace, owned, author) === null) return null
    return { author, dkim: 'require', arc: 'off', own, home: workspace.workspaceDomain, isCustomers }
  }
  if (grant === null || source?.kind !== 'm365') return null
  return { author, ...grant.evidence, own, home: source.initialDomain, isCustomers }
}
