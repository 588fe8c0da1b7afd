import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A recipient that the header does not name',
  shows: 'honest mail: BCC',
  play: async (world, stage) => ({
    sent: 'two recipients, one of them in Bcc only',
    said: await throughExchangeOnline(world, stage, {
      recipients: [stage.recipient, stage.address('hidden')],
      more: `Bcc: <${stage.address('hidden')}>\r\n`,
    }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals, stage) => {
    const hidden = stage.address('hidden')
    return arrivals.flatMap(({ recipients, text }) => [
      ...(recipients.includes(hidden) ? [] : ['the hidden recipient got nothing']),
      ...(/^bcc:/im.test(text) || text.includes(hidden) ? ['the message names the hidden recipient'] : []),
    ])
  },
}
