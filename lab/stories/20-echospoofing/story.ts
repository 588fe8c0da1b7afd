import { spammer } from '../../world/cast.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'EchoSpoofing: a spammer’s tenant relays a brand through its own connector',
  shows: '3.1 EchoSpoofing, block D',
  play: async (world, stage) => ({
    sent: 'From offers@acme.example, by connector of a tenant that nobody granted',
    said: await world.exchangeOnline.send({
      tenant: spammer,
      mode: { kind: 'connector', host: '62.212.79.184', helo: 'jen19728669.onmicrosoft.com' },
      mailFrom: 'x@jen19728669.onmicrosoft.com',
      recipients: [stage.recipient],
      header: stage.header({ from: '"Acme Rewards" <offers@acme.example>' }),
      body: 'Your subscription ends today.\r\n',
      relay: world.relay,
    }),
  }),
  expect: { refused: 'tenant-not-authorised' },
}
