import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Addresses and a subject in UTF-8',
  shows: 'honest mail: SMTPUTF8',
  play: async (world, stage) => ({
    sent: 'MAIL FROM:<ünal@acme.example> SMTPUTF8, a Turkish subject and a Japanese local part',
    said: await throughExchangeOnline(world, stage, {
      from: 'Ünal Şahin <ünal@acme.example>',
      mailFrom: 'ünal@acme.example',
      recipients: [stage.address('日本')],
      subject: 'Grüße aus İstanbul',
      parameters: 'SMTPUTF8 BODY=8BITMIME',
    }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals, stage) =>
    arrivals.every(
      ({ mailFrom, recipients }) => mailFrom === 'ünal@acme.example' && recipients.includes(stage.address('日本')),
    )
      ? []
      : ['the envelope is not what was sent'],
}
