import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A mailbox forwards a stranger’s mail',
  shows: 'block C: forwarded by the customer’s own tenant',
  play: async (world, stage) => ({
    sent: 'From bob@elsewhere.example, forwarded by a rule in Acme’s tenant',
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'forward', from: 'elsewhere.example' },
      from: 'Bob <bob@elsewhere.example>',
      mailFrom: 'bob@elsewhere.example',
    }),
  }),
  expect: { refused: 'domain-not-owned' },
}
