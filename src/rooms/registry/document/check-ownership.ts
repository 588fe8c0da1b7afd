import { isAtOrBelow } from '../../../standards/names/domain.ts'
import type { Problem } from '../../../standards/yaml/problem.ts'
import type { SourceText } from '../../../standards/yaml/source.ts'
import { nearestOwner } from '../nearest-owner.ts'
import type { OwnedName } from './check-domains.ts'
import type { CustomerDraft } from './draft.ts'

/** A return path lies in the customer's own, and a grant names only sources and domains of its own customer. */
export function checkOwnership(
  source: SourceText,
  drafts: readonly CustomerDraft[],
  owners: ReadonlyMap<string, OwnedName>,
): readonly Problem[] {
  return drafts.flatMap((draft) => [
    ...returnPathProblems(source, draft),
    ...workspaceProblems(source, draft, owners),
    ...grantProblems(source, draft, owners),
  ])
}

/** SPF alignment (RFC 9989 §3.2) is the point of a return path, so it lies at or below a domain of the customer. */
function returnPathProblems(source: SourceText, draft: CustomerDraft): readonly Problem[] {
  return draft.domains.flatMap(({ path, value }) => {
    const { returnPath } = value
    if (returnPath === undefined || draft.domains.some((one) => isAtOrBelow(returnPath, one.value.name))) return []
    return [
      source.problem([...path, 'returnPath'], `${returnPath} is not at or below a domain of customer ${draft.id}`),
    ]
  })
}

/** A Workspace may bear a name that is in no policy, but not that of another customer. */
function workspaceProblems(
  source: SourceText,
  draft: CustomerDraft,
  owners: ReadonlyMap<string, OwnedName>,
): readonly Problem[] {
  return draft.sources.flatMap(({ path, value }) => {
    if (value.kind !== 'google') return []
    const owner = nearestOwner(value.workspaceDomain, (name) => owners.get(name))
    if (owner == null || owner.customer === draft.id) return []
    return [
      source.problem([...path, 'workspaceDomain'], `${value.workspaceDomain} is not a domain of customer ${draft.id}`),
    ]
  })
}

function grantProblems(
  source: SourceText,
  draft: CustomerDraft,
  owners: ReadonlyMap<string, OwnedName>,
): readonly Problem[] {
  const problems: Problem[] = []
  const ids = new Set<string>()
  const pairs = new Map<string, string>()
  const kinds = new Map(draft.sources.map(({ value }) => [value.id, value.kind]))
  for (const { path, value: grant } of draft.grants) {
    const tell = (key: readonly PropertyKey[], message: string) =>
      problems.push(source.problem([...path, ...key], message))
    if (ids.has(grant.id)) tell(['id'], `this customer has another grant ${grant.id}`)
    ids.add(grant.id)
    if (!draft.sourceIds.has(grant.source)) tell(['source'], `customer ${draft.id} has no source ${grant.source}`)
    const kind = kinds.get(grant.source)
    if (kind !== undefined && kind !== 'm365' && grant.evidence.arc === 'require') {
      tell(
        ['evidence', 'arc'],
        `ARC is evidence of Microsoft 365 alone: with a source of kind ${kind} nothing would pass`,
      )
    }
    for (const [at, domain] of grant.domains.entries()) {
      const owner = nearestOwner(domain, (name) => owners.get(name))
      if (owner?.customer !== draft.id && !draft.domainNames.has(domain)) {
        tell(['domains', at], `${domain} is not a domain of customer ${draft.id}`)
      }
      const pair = `${grant.source}/${domain}`
      const other = pairs.get(pair)
      if (other !== undefined) tell(['domains', at], `${domain} is granted to ${grant.source} by ${other} already`)
      pairs.set(pair, grant.id)
    }
  }
  return problems
}
