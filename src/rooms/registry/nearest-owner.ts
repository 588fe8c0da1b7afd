import { type Domain, parentOf } from '../../standards/names/domain.ts'

/** The owner of a name: who lists it, or the nearest parent that includes its subdomains. Costs one look-up for each label. */
export function nearestOwner<T extends { readonly includeSubdomains: boolean }>(
  domain: Domain,
  find: (name: Domain) => T | null | undefined,
): T | null {
  const exact = find(domain)
  if (exact) return exact
  for (let name = parentOf(domain); name !== null; name = parentOf(name)) {
    const owner = find(name)
    if (owner?.includeSubdomains) return owner
  }
  return null
}
