import { sameBody } from '../arrived.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A message without a body',
  shows: 'honest mail: empty body',
  play: async (world, stage) => ({
    sent: 'a header section and nothing after its empty line',
    said: await throughExchangeOnline(world, stage, { body: '' }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: sameBody(''),
}
