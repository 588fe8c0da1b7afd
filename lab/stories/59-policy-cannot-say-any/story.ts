import { acme, consumer } from '../../world/cast.ts'
import { customerOf } from '../worlds.ts'
import type { Story } from '../story.ts'

const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
const wishes = {
  'every-address': { kind: 'network', networks: ['0.0.0.0/0'] },
  'a-wide-network': { kind: 'network', networks: ['203.0.0.0/16'] },
  'the-providers-address': { kind: 'network', networks: ['127.0.0.2/32'] },
  'many-hybrid-hosts': {
    kind: 'm365',
    tenant: '11111111-2222-4333-8444-555555555555',
    originators: ['initech.example'],
    hybridHosts: ['198.51.0.0/16'],
  },
  'any-tenant': { kind: 'm365', tenant: '*', originators: ['initech.example'] },
  'the-consumer-tenant': { kind: 'm365', tenant: consumer.id, originators: ['initech.example'] },
  'the-tenant-of-another': { kind: 'm365', tenant: acme.id, originators: ['acme.example'] },
  'any-originator': { kind: 'm365', tenant: '11111111-2222-4333-8444-666666666666', originators: ['*'] },
}

export const story: Story = {
  title: 'A policy that would let anybody in is not taken',
  shows: '3.1: no "allow any" state; two customers, one domain',
  play: async (world) => {
    const printed = await world.tryPolicy((policy) => {
      const initech = customerOf(policy, 'initech')
      for (const [word, change] of Object.entries(wishes)) initech.sources.push({ id: word, ...change })
      initech.domains.push({ name: 'acme.example', ...asserted }, { name: 'initech.onmicrosoft.com', ...asserted })
    })
    const told = `${printed.out}${printed.err}`
    const wanted = [...Object.keys(wishes), 'acme.example', 'initech.onmicrosoft.com']
    return {
      sent: `a policy with ${wanted.length} ways to say "any", or to take what is another’s`,
      said: { code: printed.code, text: `${told.trim().split('\n').length} problems told` },
      wrong: [
        ...(printed.code === 2 ? [] : [`apply ended with ${printed.code}`]),
        ...wanted.filter((word) => !told.includes(word)).map((word) => `${word} is not told`),
      ],
    }
  },
  expect: { told: 'every one is an error, and nothing changes', arrivals: 0, signed: 0 },
}
