import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'LaunDroMARC: a spoof comes in, is forwarded, and comes out aligned',
  shows: '3.2 LaunDroMARC',
  play: async (world, stage) => ({
    sent: 'From ceo@acme.example, sent to Acme from outside and forwarded by a user of Acme’s',
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'forward', from: 'evil.example' },
      from: 'The Boss <ceo@acme.example>',
      mailFrom: 'x@evil.example',
    }),
  }),
  expect: { refused: 'class-not-authorised' },
}
