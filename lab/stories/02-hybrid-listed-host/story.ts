import { onPrem } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The tenant’s own on-premises server writes, and its owner listed it',
  shows: 'block B: legitimate mail of an on-premises server',
  play: async (world, stage) => ({
    sent: `From erp@acme.example, through the tenant from its listed server ${onPrem.listed}`,
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'on-prem', host: onPrem.listed, helo: onPrem.helo },
      from: 'Acme ERP <erp@acme.example>',
      mailFrom: 'erp@acme.example',
    }),
  }),
  expect: { signedFor: 'acme.example' },
}
