import { stringify } from 'yaml'
import type { CustomerDocument } from './document/schema.ts'

/** The policy as the text of a policy file: defaults that say nothing are left out, and reading it again gives the same customers. */
export function exportText(customers: readonly CustomerDocument[]): string {
  return stringify({ customers: customers.map(written) }, { lineWidth: 0, aliasDuplicateObjects: false })
}

function written(customer: CustomerDocument): object {
  return {
    ...customer,
    contacts: unlessEmpty(customer.contacts),
    domains: unlessEmpty(customer.domains),
    sources: unlessEmpty(customer.sources),
    grants: unlessEmpty(customer.grants.map((grant) => ({ ...grant, limits: unlessEmpty(grant.limits) }))),
  }
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value
}
