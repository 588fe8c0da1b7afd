import type { DeliveryOptions } from '../../path/delivery/index.ts'
import type { PolicySnapshot, SuppressionBook } from '../../rooms/registry/index.ts'

/** What delivery asks the policy and the suppression lists of this moment about a message. */
export function policyAnswers(
  policy: () => PolicySnapshot,
  suppressions: SuppressionBook,
  now: () => number,
): Required<Pick<DeliveryOptions, 'poolOf' | 'suppressed'>> {
  return {
    poolOf: ({ permit }) => {
      if (permit.class === 'forwarded' || permit.class === 'unknown') return null
      const customer = policy().customers.get(permit.customer)
      const grant = customer?.grants.find((one) => one.id === permit.grant)
      const named = [grant?.pool, customer?.pool].map((pool) =>
        typeof pool === 'object' ? pool[permit.class as 'hosted'] : pool,
      )
      return named.find((name) => name !== undefined) ?? null
    },
    suppressed: ({ permit }, recipient) => {
      if (permit.attribution.kind === 'self' || !suppressions.isListed(permit.customer, recipient, now())) return null
      return policy().customers.get(permit.customer)?.suppression ?? 'refuse'
    },
  }
}
