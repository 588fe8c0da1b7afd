import { sameBody } from '../arrived.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const body = 'Grüße aus İstanbul: çok teşekkürler, 日本.\r\n'

export const story: Story = {
  title: 'Eight-bit text, declared with BODY=8BITMIME',
  shows: 'honest mail: 8-bit body',
  play: async (world, stage) => ({
    sent: 'a body in UTF-8, MAIL with BODY=8BITMIME',
    said: await throughExchangeOnline(world, stage, {
      body,
      more: 'Content-Transfer-Encoding: 8bit\r\n',
      parameters: 'BODY=8BITMIME',
    }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: sameBody(body),
}
