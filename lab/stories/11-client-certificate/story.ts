import { addresses } from '../../world/cast.ts'
import { fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A machine that shows its own certificate',
  shows: 'honest mail: mtls source',
  play: async (world, stage) => ({
    sent: 'From erp@acme.example, with the client certificate whose fingerprint Acme listed',
    said: await fromHost(
      world,
      stage,
      { address: addresses.office, tls: world.identities.erp },
      { from: 'erp@acme.example', mailFrom: 'erp@acme.example' },
    ),
  }),
  expect: { signedFor: 'acme.example' },
}
