import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Exchange Online that does not say XOORG',
  shows: '2.3 XOORG absent is fine',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example, MAIL without XOORG although it is offered',
    said: await throughExchangeOnline(world, stage, { twist: { xoorg: null } }),
  }),
  expect: { signedFor: 'acme.example' },
}
