import { sealedResults } from '../../world/provider-signatures.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The owner asks for Microsoft’s ARC set, and it says mailbox',
  shows: '2.4: the hosted shape; 5.13',
  world: evidenceWorld,
  play: async (world, stage) => ({
    sent: 'From ann@arc.example, sealed by microsoft.com in the hosted shape',
    said: await throughExchangeOnline(world, stage, {
      tenant: acmeWithEvidence,
      from: 'ann@arc.example',
      signed: { arc: [{ results: sealedResults.hosted('arc.example') }] },
    }),
  }),
  expect: { signedFor: 'arc.example' },
}
