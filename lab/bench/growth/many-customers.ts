import { createHash } from 'node:crypto'

/** A policy of as many customers as wanted, each with three domains, two sources and two grants; the same for the same number. */

export type ManyCustomer = {
  readonly id: string
  /** A loopback address that is this customer's source, so that a client can really come from there. */
  readonly address: string
  readonly domains: readonly [string, string, string]
  readonly tenant: string
}

/** The customer at a place in the list, from 0. */
export function manyCustomer(at: number): ManyCustomer {
  const id = `c${String(at).padStart(6, '0')}`
  const host = at + 1
  const uuid = createHash('sha256').update(id).digest('hex')
  return {
    id,
    address: `127.${64 + ((host >> 16) & 0x3f)}.${(host >> 8) & 0xff}.${host & 0xff}`,
    domains: [`${id}.example`, `${id}-sales.example`, `${id}-cloud.example`],
    tenant: `${uuid.slice(0, 8)}-${uuid.slice(8, 12)}-4${uuid.slice(13, 16)}-8${uuid.slice(17, 20)}-${uuid.slice(20, 32)}`,
  }
}

/** As a person, or `export`, writes it. Two of the domains are granted to the address, the third to the tenant. */
export function policyAsYaml(customers: number): string {
  return `customers:\n${Array.from({ length: customers }, (_, at) => customerAsYaml(manyCustomer(at))).join('')}`
}

/** The same policy in JSON, without the grants of one customer where that is said. */
export function policyAsJson(customers: number, without: number | null = null): string {
  return JSON.stringify({
    customers: Array.from({ length: customers }, (_, at) => {
      const whole = customerAsData(manyCustomer(at))
      return at === without ? { ...whole, grants: [] } : whole
    }),
  })
}

const assertion = { proof: 'asserted', approvedBy: 'admin@relay.example', reason: 'the benchmark' }
const limits = { messagesPerHour: 1_000_000, messagesPerDay: 10_000_000, recipientsPerHour: 1_000_000 }

function customerAsData({ id, address, domains, tenant }: ManyCustomer): object {
  const approval = { approvedBy: `admin@${domains[0]}`, reason: 'first onboarding' }
  return {
    id,
    name: `Customer ${id}`,
    contacts: [{ email: `security@${domains[0]}`, language: 'en' }],
    domains: domains.map((name) => ({ name, ...assertion })),
    sources: [
      { id: 'plant', kind: 'network', networks: [`${address}/32`] },
      { id: 'cloud', kind: 'm365', tenant, originators: [domains[2]], initialDomain: `${id}.onmicrosoft.com` },
    ],
    grants: [
      { source: 'plant', domains: domains.slice(0, 2), classes: ['hosted', 'notification'], limits, ...approval },
      { source: 'cloud', domains: [domains[2]], classes: ['hosted', 'hybrid'], ...approval },
    ],
  }
}

function customerAsYaml({ id, address, domains, tenant }: ManyCustomer): string {
  const approval = `approvedBy: admin@${domains[0]}, reason: first onboarding`
  return `  - id: ${id}
    name: Customer ${id}
    contacts: [{ email: security@${domains[0]}, language: en }]
    domains:
${domains.map((name) => `      - { name: ${name}, proof: asserted, approvedBy: admin@relay.example, reason: the benchmark }\n`).join('')}    sources:
      - { id: plant, kind: network, networks: [${address}/32] }
      - { id: cloud, kind: m365, tenant: ${tenant}, originators: [${domains[2]}], initialDomain: ${id}.onmicrosoft.com }
    grants:
      - source: plant
        domains: [${domains[0]}, ${domains[1]}]
        classes: [hosted, notification]
        limits: { messagesPerHour: 1000000, messagesPerDay: 10000000, recipientsPerHour: 1000000 }
        ${approval.replace(', ', '\n        ')}
      - { source: cloud, domains: [${domains[2]}], classes: [hosted, hybrid], ${approval} }
`
}
