import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Ghost-Sender: straight to the tenant’s own host, as the tenant',
  shows: '3.2 Ghost-Sender / Direct Send feeding it',
  play: async (world, stage) => ({
    sent: 'From ceo@acme.example with a reverse-path of Acme’s, sent to the tenant without authentication and forwarded',
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'forward', from: 'acme.example' },
      from: 'The Boss <ceo@acme.example>',
      mailFrom: 'ceo@acme.example',
    }),
  }),
  expect: { refused: 'class-not-authorised' },
}
