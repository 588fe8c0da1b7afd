import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { acmeInStrictWorld, strictWorld } from '../worlds.ts'

export const story: Story = {
  title: 'A subdomain under a parent for which the owner said so',
  shows: '5.6 subdomain only if proven; honest mail from one that is',
  world: strictWorld,
  play: async (world, stage) => {
    world.zone['_dmarc.wide.example'] = { TXT: ['v=DMARC1; p=reject'] }
    return {
      sent: 'From ann@mail.wide.example; wide.example is granted with includeSubdomains',
      said: await throughExchangeOnline(world, stage, {
        tenant: acmeInStrictWorld,
        from: 'ann@mail.wide.example',
      }),
    }
  },
  expect: { signedFor: 'wide.example' },
}
