import { acme, consumer } from '../../world/cast.ts'
import type { Story } from '../story.ts'
import { customerOf } from '../worlds.ts'

const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
const m365 = { kind: 'm365', tenant: '11111111-2222-4333-8444-555555555555', originators: ['initech.example'] }
const domains = [{ name: 'acme.example' }, { name: 'initech.onmicrosoft.com' }, { name: '*.example' }]
/** Sources that Initech would like to have, and the key at which the policy must refuse each. */
const sources = [
  { source: { kind: 'network', networks: ['0.0.0.0/0'] }, key: 'networks.0' },
  { source: { kind: 'network', networks: ['203.0.0.0/16'] }, key: 'networks.0' },
  { source: { kind: 'network', networks: ['127.0.0.2/32'] }, key: 'networks.0' },
  { source: { ...m365, hybridHosts: ['198.51.0.0/16'] }, key: 'hybridHosts.0' },
  { source: { ...m365, tenant: '*' }, key: 'tenant' },
  { source: { ...m365, tenant: consumer.id }, key: 'tenant' },
  { source: { ...m365, tenant: acme.id, originators: ['acme.example'] }, key: 'originators.0' },
  { source: { ...m365, originators: ['*'] }, key: 'originators.0' },
]

export const story: Story = {
  title: 'A policy that would let anybody in is not taken',
  shows: '3.1: no "allow any" state; two customers, one domain',
  play: async (world) => {
    const printed = await world.tryPolicy((policy) => {
      const initech = customerOf(policy, 'initech')
      initech.domains = domains.map((domain) => ({ ...domain, ...asserted }))
      initech.sources = sources.map(({ source }, at) => ({ id: `wish-${at}`, ...source }))
    })
    const wanted = [
      ...domains.map((_, at) => `customers.2.domains.${at}.name:`),
      ...sources.map(({ key }, at) => `customers.2.sources.${at}.${key}:`),
    ]
    const problems = printed.err.trim().split('\n')
    return {
      sent: `a policy with ${wanted.length} ways to say "any", or to take what is another’s`,
      said: { code: printed.code, text: `${problems.length} problems told` },
      wrong: [
        ...(printed.code === 2 ? [] : [`apply ended with ${printed.code}: ${printed.out}`]),
        ...wanted
          .filter((key) => !problems.some((problem) => problem.includes(key)))
          .map((key) => `nothing is told of ${key}`),
      ],
    }
  },
  expect: { told: 'every one is an error, and nothing changes', arrivals: 0, signed: 0 },
}
