import { acme } from '../../world/cast.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A mailbox user of the customer’s own tenant writes to the world',
  shows: 'block A: legitimate hosted mail',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example, written in a mailbox of the tenant that acme.example granted',
    said: await world.exchangeOnline.send({
      tenant: acme,
      mode: { kind: 'mailbox' },
      mailFrom: 'ann@acme.example',
      recipients: [stage.recipient],
      header: stage.header({ from: 'Ann Author <ann@acme.example>' }),
      body: 'Hello.\r\n',
      relay: world.relay,
    }),
  }),
  expect: { signedFor: 'acme.example' },
}
