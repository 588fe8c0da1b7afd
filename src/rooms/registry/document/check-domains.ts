import { type Domain, parentOf } from '../../../standards/names/domain.ts'
import type { Problem } from '../../../standards/yaml/problem.ts'
import type { SourceText, YamlPath } from '../../../standards/yaml/source.ts'
import type { CustomerDraft } from './draft.ts'
import type { RefusedClaim } from './problems.ts'
import type { DomainDocument } from './schema.ts'

/** A domain in a policy, and whose it is. The operator's own has the customer ''. */
export type OwnedName = { readonly name: Domain; readonly customer: string; readonly includeSubdomains: boolean }

type Claim = { readonly customer: string; readonly path: YamlPath; readonly value: DomainDocument }

export type DomainsChecked = {
  /** One owner for each name. */
  readonly owners: ReadonlyMap<string, OwnedName>
  readonly problems: readonly Problem[]
  readonly refusedClaims: readonly RefusedClaim[]
}

/**
 * One owner for each domain: of two in one policy the one who has proved it by DNS, else the first. `proved` says who has proved which
 * domain. Nobody may assert what another has proved, by itself or through a parent that includes it.
 */
export function checkDomains(
  source: SourceText,
  drafts: readonly CustomerDraft[],
  operator: Domain,
  proved: ReadonlyMap<string, string>,
): DomainsChecked {
  const problems: Problem[] = []
  const refusedClaims: RefusedClaim[] = []
  const refuse = (claim: Claim, key: 'name' | 'proof', holder: string, words: string): void => {
    problems.push(source.problem([...claim.path, key], `${claim.value.name} ${words}`))
    if (holder !== claim.customer) refusedClaims.push({ domain: claim.value.name, claimant: claim.customer, holder })
  }
  const claims = drafts.flatMap((draft) => draft.domains.map((placed) => ({ ...placed, customer: draft.id })))
  const kept = new Map<string, Claim>()
  for (const claim of claims) {
    const { name } = claim.value
    const other = kept.get(name)
    if (name === operator)
      problems.push(source.problem([...claim.path, 'name'], `${name} is the operator's own domain`))
    else if (other === undefined) kept.set(name, claim)
    else if (proved.get(name) === claim.customer && other.customer !== claim.customer) {
      kept.set(name, claim)
      refuse(other, 'name', claim.customer, `is customer ${claim.customer}'s, who has proved it by DNS`)
    } else refuse(claim, 'name', other.customer, `is listed by customer ${other.customer} already`)
  }
  const owners = new Map<string, OwnedName>([[operator, { name: operator, customer: '', includeSubdomains: false }]])
  for (const { customer, value } of kept.values()) {
    owners.set(value.name, { name: value.name, customer, includeSubdomains: value.includeSubdomains })
  }
  for (const claim of kept.values()) {
    if (claim.value.proof !== 'asserted') continue
    const holder = provedByAnother(claim, owners, proved)
    if (holder === null) continue
    const what = holder.name === claim.value.name ? 'it' : `${holder.name} and its subdomains`
    refuse(claim, 'proof', holder.customer, `cannot be asserted: customer ${holder.customer} has proved ${what} by DNS`)
  }
  return { owners, problems, refusedClaims }
}

/** Who else has proved the name itself, now or until this policy, or a parent with which it is included. */
function provedByAnother(
  { customer, value }: Claim,
  owners: ReadonlyMap<string, OwnedName>,
  proved: ReadonlyMap<string, string>,
): { readonly name: Domain; readonly customer: string } | null {
  const exact = proved.get(value.name)
  if (exact !== undefined && exact !== customer) return { name: value.name, customer: exact }
  for (let name = parentOf(value.name); name !== null; name = parentOf(name)) {
    const owner = owners.get(name)
    if (owner === undefined || !owner.includeSubdomains || owner.customer === customer) continue
    if (proved.get(name) === owner.customer) return owner
  }
  return null
}
