import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Signed with RSA and with Ed25519',
  shows: 'signatures: both algorithms where the domain asks',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example, whose domain asks for RSA and Ed25519',
    said: await throughExchangeOnline(world, stage, {}),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals) =>
    arrivals.flatMap(({ dkim }) => {
      const algorithms = dkim.map(({ algorithm }) => algorithm)
      const selectors = new Set(dkim.map(({ selector }) => selector))
      return algorithms.toSorted().join() === 'ed25519-sha256,rsa-sha256' && selectors.size === 2
        ? []
        : [`signed with ${algorithms.join(', ')} under ${selectors.size} selectors`]
    }),
}
