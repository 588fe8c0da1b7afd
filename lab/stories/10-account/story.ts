import { crmAccount, fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'An application signs in with its account',
  shows: 'honest mail: smtp-auth source',
  play: async (world, stage) => ({
    sent: 'From crm@acme.example, AUTH PLAIN over TLS as the account that Acme granted',
    said: await fromHost(world, stage, crmAccount, { from: 'crm@acme.example', mailFrom: 'crm@acme.example' }),
  }),
  expect: { signedFor: 'acme.example' },
}
