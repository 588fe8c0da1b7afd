import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A user whose address is in the tenant’s second domain writes as the first',
  shows: '2.2 X-OriginatorOrg is not the default domain',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example, originator acme-sales.example of the same tenant',
    said: await throughExchangeOnline(world, stage, { mailFrom: 'ann@acme-sales.example' }),
  }),
  expect: { signedFor: 'acme.example' },
}
