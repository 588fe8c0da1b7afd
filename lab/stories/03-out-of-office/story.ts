import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'An automatic reply, with a null reverse-path',
  shows: 'honest mail: out-of-office',
  play: async (world, stage) => ({
    sent: 'Auto-Submitted: auto-replied, from ann@acme.example, MAIL FROM:<>',
    said: await throughExchangeOnline(world, stage, {
      mailFrom: '',
      subject: 'Automatic reply: Hello',
      more: 'Auto-Submitted: auto-replied\r\n',
      body: 'I am away until Monday.\r\n',
    }),
  }),
  expect: { signedFor: 'acme.example' },
}
