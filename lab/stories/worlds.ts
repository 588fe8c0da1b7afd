import { acme } from '../world/cast.ts'
import type { Policy, PolicyCustomer } from '../world/cast-policy.ts'
import type { Tenant } from '../world/exchange-online.ts'
import type { WorldOptions } from '../world/world.ts'
import type { Story } from './story.ts'

/** A world for stories that need their own; stories that name the same one share it. */
export type StoryWorld = WorldOptions & { readonly name: string }

/** The cast as it is. Most stories play here. */
const commonWorld: StoryWorld = { name: 'the world of the cast' }

/**
 * Small limits, domains of Acme's that are granted but lack something, and retries that come soon. Grants of the cast are taken away
 * here; only those of the domains below are left alone.
 */
export const strictWorld: StoryWorld = {
  name: 'a world of small limits, in which grants are revoked',
  configuration: {
    limits: { maxMessageBytes: 65_536, maxRecipients: 5 },
    delivery: { retry: { first: '300ms', factor: 1, max: '1s', giveUpAfter: '1h' } },
  },
  withoutKeys: ['keyless.example'],
  policy: (policy) => {
    const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
    const customer = customerOf(policy, 'acme')
    for (const [name, domain, grant] of [
      ['keyless.example', {}, {}],
      ['locked.example', { dnsLock: true }, {}],
      ['demanding.example', {}, { evidence: { dkim: 'require' } }],
      ['busy.example', {}, { limits: { messagesPerHour: 3 } }],
      ['wide.example', { includeSubdomains: true }, {}],
    ] as const) {
      customer.domains.push({ name, ...asserted, ...domain })
      customer.grants.push({
        id: `acme-${name.replace('.example', '')}`,
        source: 'acme-m365',
        domains: [name],
        classes: ['hosted'],
        approvedBy: 'admin@acme.example',
        reason: 'the lab',
        ...grant,
      })
    }
  },
}

/** Acme's tenant there, which knows those domains as its own. */
export const acmeInStrictWorld: Tenant = {
  ...acme,
  domains: [
    ...acme.domains,
    'keyless.example',
    'locked.example',
    'demanding.example',
    'busy.example',
    'mail.wide.example',
  ],
}

/** Acme's tenant in a world where grants ask for the provider's signatures. */
export const acmeWithEvidence: Tenant = {
  ...acme,
  domains: [...acme.domains, 'dkim.example', 'arc.example', 'soft.example'],
}

/** Domains of Acme's whose grants prefer or require the provider's signatures, and a Workspace of Acme's. */
export const evidenceWorld: StoryWorld = {
  name: 'a world in which signatures of the provider are asked for',
  policy: (policy) => {
    const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
    const approval = { approvedBy: 'admin@acme.example', reason: 'the lab' }
    const customer = customerOf(policy, 'acme')
    for (const [name, evidence] of [
      ['dkim.example', { dkim: 'require' }],
      ['arc.example', { arc: 'require' }],
      ['soft.example', { dkim: 'prefer', arc: 'prefer' }],
    ] as const) {
      customer.domains.push({ name, ...asserted })
      const id = `acme-${name.replace('.example', '')}`
      customer.grants.push({
        id,
        source: 'acme-m365',
        domains: [name],
        classes: ['hosted', 'hybrid'],
        evidence,
        ...approval,
      })
    }
    customer.sources.push({ id: 'acme-google', kind: 'google', workspaceDomain: 'acme.example' })
    customer.grants.push({ source: 'acme-google', domains: ['acme.example'], classes: ['hosted'], ...approval })
  },
}

/** A world in which domains are proved: nothing is queued for long, and a proof whose record is gone counts for some seconds. */
export const provingWorld: StoryWorld = {
  name: 'a world in which domains are proved',
  configuration: {
    proof: { grace: '6s' },
    delivery: { retry: { first: '300ms', factor: 1, max: '1s', giveUpAfter: '1h' } },
  },
}

/** A customer of the cast, to be changed. */
export function customerOf(policy: Policy, id: string): PolicyCustomer {
  const customer = policy.customers.find((one) => one.id === id)
  if (customer === undefined) throw new Error(`the cast has no customer ${id}`)
  return customer
}

export type Named = { readonly name: string; readonly story: Story }

/** The stories by the world that they play in, each world once. */
export function byWorld(stories: readonly Named[]): ReadonlyMap<StoryWorld, readonly Named[]> {
  return Map.groupBy(stories, ({ story }) => story.world ?? commonWorld)
}
