import type { Policy, PolicyCustomer } from '../world/cast-policy.ts'
import type { WorldOptions } from '../world/world.ts'
import type { Story } from './story.ts'

/** A world for stories that need their own; stories that name the same one share it. */
export type StoryWorld = WorldOptions & { readonly name: string }

/** The cast as it is. Most stories play here. */
export const commonWorld: StoryWorld = { name: 'the world of the cast' }

/** Small limits, and domains of Acme's that are granted but lack something. */
export const strictWorld: StoryWorld = {
  name: 'a world of small limits',
  configuration: { limits: { maxMessageBytes: 65_536, maxRecipients: 5 } },
  withoutKeys: ['keyless.example'],
  policy: (policy) => {
    const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
    const acme = customerOf(policy, 'acme')
    for (const [name, domain, grant] of [
      ['keyless.example', {}, {}],
      ['locked.example', { dnsLock: true }, {}],
      ['demanding.example', {}, { evidence: { dkim: 'require' } }],
      ['busy.example', {}, { limits: { messagesPerHour: 3 } }],
    ] as const) {
      acme.domains.push({ name, ...asserted, ...domain })
      acme.grants.push({
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

/** Grants are taken away here, and what could not be delivered is tried again soon. */
export const revocationWorld: StoryWorld = {
  name: 'a world in which grants are revoked',
  configuration: { delivery: { retry: { first: '300ms', factor: 1, max: '1s', giveUpAfter: '1h' } } },
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
