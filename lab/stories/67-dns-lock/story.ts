import { throughExchangeOnline } from '../senders.ts'
import { acmeInStrictWorld, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The owner’s lock in DNS can’t be read',
  shows: '3.1 idea worth taking: the allowlist in the owner’s DNS',
  world: strictWorld,
  play: async (world, stage) => {
    world.zone['_anechoic.locked.example'] = { otherwise: 'SERVFAIL' }
    return {
      sent: 'From ann@locked.example, which is under a DNS lock',
      said: await throughExchangeOnline(world, stage, { tenant: acmeInStrictWorld, from: 'ann@locked.example' }),
    }
  },
  expect: { refused: 'lookup-failed', code: 451 },
}
