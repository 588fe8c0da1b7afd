import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A domain that a customer claims and has not proven',
  shows: '3.1 Domain claimed by two customers: proof before any signing',
  play: async (world, stage) => ({
    sent: 'From ann@unproven.acme.example, whose DNS proof was never seen',
    said: await throughExchangeOnline(world, stage, { from: 'Ann <ann@unproven.acme.example>' }),
  }),
  expect: { refused: 'domain-unproven' },
}
