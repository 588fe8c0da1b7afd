import { addresses } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The right certificate from the wrong address',
  shows: '2.1 connection evidence: address and certificate',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example with Acme’s stamps and the provider’s certificate, from a rented server',
    said: await throughExchangeOnline(world, stage, { twist: { from: addresses.vps } }),
  }),
  expect: { refused: 'source-unproven' },
}
