import { throughExchangeOnline } from '../senders.ts'
import { acmeInStrictWorld, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Authorised, but the key is not in DNS yet',
  shows: '4: never sent unsigned',
  world: strictWorld,
  play: async (world, stage) => ({
    sent: 'From ann@keyless.example, whose key record is not published',
    said: await throughExchangeOnline(world, stage, { tenant: acmeInStrictWorld, from: 'ann@keyless.example' }),
  }),
  expect: { refused: 'key-not-ready', code: 451 },
}
