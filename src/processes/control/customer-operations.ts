import type { CustomerOperations, CustomerRow } from '../../doors/operations/customers.ts'
import type { Registry } from '../../rooms/registry/index.ts'
import type { BulkBook } from '../../rooms/watch/index.ts'

const mostItems = 1000

export function customerOperations(options: {
  readonly registry: Pick<Registry, 'customer' | 'customersAfter'>
  readonly bulk: BulkBook
  readonly now: () => number
}): CustomerOperations {
  const { registry, bulk, now } = options
  return {
    customers: async ({ after, limit }) => {
      const most = Math.min(Math.max(limit, 1), mostItems)
      const items = (await registry.customersAfter(after, most)).map(rowOf)
      return { items, next: items.length < most ? null : (items.at(-1)?.id ?? null) }
    },
    customer: async (id) => {
      const document = await registry.customer(id)
      if (document === null) return null
      const [volumes, findings] = await Promise.all([bulk.volumes(id, now()), bulk.findings(id)])
      return {
        ...rowOf(document),
        grants: document.grants.map((grant) => ({ id: grant.id, source: grant.source, domains: grant.domains })),
        bulk: volumes.map((one) => ({ ...one, highestDay: moment(one.highestDay).slice(0, 10) })),
        findings: findings.map((one) => ({
          ...one,
          firstSeen: moment(one.firstSeen),
          lastSeen: moment(one.lastSeen),
        })),
      }
    },
  }
}

function rowOf(document: NonNullable<Awaited<ReturnType<Registry['customer']>>>): CustomerRow {
  const { id, name, plan, suppression = 'refuse', pool = 'default', domains, sources } = document
  return {
    id,
    name,
    plan,
    suppression,
    pool,
    domains: domains.map((one) => one.name),
    sources: sources.map((one) => one.id),
  }
}

function moment(at: number): string {
  return new Date(at).toISOString()
}
