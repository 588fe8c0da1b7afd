import { throughExchangeOnline } from '../senders.ts'
import { acmeInStrictWorld, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The owner asks for the provider’s signature, and it is not there',
  shows: '5.13 stronger evidence per customer',
  world: strictWorld,
  play: async (world, stage) => ({
    sent: 'From ann@demanding.example, whose grant requires the provider’s DKIM',
    said: await throughExchangeOnline(world, stage, { tenant: acmeInStrictWorld, from: 'ann@demanding.example' }),
  }),
  expect: { refused: 'evidence-required' },
}
