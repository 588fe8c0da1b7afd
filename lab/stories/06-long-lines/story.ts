import { sameBody } from '../arrived.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const body = `${'long '.repeat(4000)}\r\nshort\r\n`

export const story: Story = {
  title: 'Lines far longer than 998 octets arrive as they were',
  shows: 'honest mail: long lines',
  play: async (world, stage) => ({
    sent: 'a body with a line of 20,000 octets',
    said: await throughExchangeOnline(world, stage, { body }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: sameBody(body),
}
