import { spammer } from '../../world/cast.ts'
import { sealedResults } from '../../world/provider-signatures.ts'
import { throughExchangeOnline } from '../senders.ts'
import { evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A message with genuine signatures, resubmitted from another tenant',
  shows: '5.13: A replayed unchanged inside another tenant’s trust headers',
  world: evidenceWorld,
  play: async (world, stage) => ({
    sent: 'From ann@dkim.example with the signatures of Acme’s tenant, by the spammer’s tenant',
    said: await throughExchangeOnline(world, stage, {
      tenant: spammer,
      mailFrom: `x@${spammer.initialDomain}`,
      from: 'ann@dkim.example',
      signed: { dkim: [{ domain: 'dkim.example' }], arc: [{ results: sealedResults.hosted('dkim.example') }] },
    }),
  }),
  expect: { refused: 'tenant-not-authorised' },
}
