import type { DomainRow } from '../../src/doors/operations.ts'
import { acme, globex } from '../world/cast.ts'
import type { Policy } from '../world/cast-policy.ts'
import type { Tenant } from '../world/exchange-online.ts'
import { type World, publishKeys } from '../world/world.ts'
import { customerOf } from './worlds.ts'

/** Puts a domain into a customer's policy, to be proved by DNS, and grants it to the customer's tenant. */
export function claimFor(policy: Policy, id: 'acme' | 'globex', name: string, more: object = {}): void {
  const customer = customerOf(policy, id)
  customer.domains.push({ name, proof: 'dns', ...more })
  customer.grants.push({
    id: `${id}-${name.replaceAll('.', '-')}`,
    source: `${id}-m365`,
    domains: [name],
    classes: ['hosted'],
    approvedBy: `admin@${id}.example`,
    reason: 'the lab',
  })
}

/** A tenant of the cast that knows one more domain as its own. */
export function tenantWith(id: 'acme' | 'globex', domain: string): Tenant {
  const tenant = id === 'acme' ? acme : globex
  return { ...tenant, domains: [...tenant.domains, domain] }
}

/** What the list of domains says of one, or of one customer's claim to it. */
export async function domainRow(world: World, domain: string, customer: string | null): Promise<DomainRow | undefined> {
  const rows = await world.product.operations.domains()
  return rows.find((row) => row.domain === domain && row.customer === customer)
}

/** Publishes the record that proves a domain, and has it looked for. Answers the state of the domain. */
export async function prove(world: World, domain: string, customer: string | null): Promise<string> {
  const record = (await domainRow(world, domain, customer))?.record
  if (record == null) return 'no record'
  world.zone[record.name] = { TXT: [record.value] }
  return checkedState(world, domain)
}

/** Has the record looked for, past caches, and answers what the domain is then. */
export async function checkedState(world: World, domain: string): Promise<string> {
  const [checked] = await world.product.operations.checkDomains([domain])
  return checked?.state ?? 'unknown'
}

/** Publishes the keys of a domain, once they are made. */
export async function publishKeysOf(world: World, domain: string): Promise<void> {
  const others = (await world.product.operations.keys()).map((row) => row.domain).filter((name) => name !== domain)
  await publishKeys(world.product, world.zone, others)
}

/** Whether it becomes so within the time. */
export async function until(itIs: () => Promise<boolean>, withinMs = 10_000): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (!(await itIs())) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return true
}
