import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { type Domain, isAtOrBelow } from '../../standards/names/domain.ts'
import { proofGap } from './authority.ts'
import type { PermitRecord } from './decision.ts'

/**
 * The domain under which reports about this mail come back to us, or null: then the reverse-path goes out as it came. It stands at the
 * owned author domain, and must itself lie in what the customer owns with a proof that holds: an address at a domain whose owner has
 * not agreed would claim him to SPF, and what comes back there would be his.
 */
export function returnPathOf(policy: PolicySnapshot, permit: PermitRecord, now: number): Domain | null {
  const owned = policy.ownerOf(permit.domain)
  if (owned === null || owned.customer !== permit.customer || owned.returnPath === null) return null
  const { returnPath } = owned
  const holder = policy.ownerOf(returnPath)
  if (holder !== null && holder.customer !== permit.customer) return null
  const above = (policy.customers.get(permit.customer)?.domains ?? [])
    .filter((one) => isAtOrBelow(returnPath, one.name))
    .toSorted((one, other) => other.name.length - one.name.length)[0]
  return above === undefined || proofGap(above, policy, now) !== null ? null : returnPath
}
