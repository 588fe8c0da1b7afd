import { sameBody } from '../arrived.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const body = '.\r\n..\r\n...\r\n.hidden\r\nMAIL FROM:<no@command.example>\r\n.\r\nend\r\n'

export const story: Story = {
  title: 'Lines that start with dots',
  shows: 'honest mail: dots at the start of lines',
  play: async (world, stage) => ({
    sent: 'a body of lines that start with one dot, two and three',
    said: await throughExchangeOnline(world, stage, { body }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: sameBody(body),
}
