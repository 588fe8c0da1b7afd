import { acme } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The owner asks for the provider’s DKIM signature, and it is there',
  shows: '5.13: DKIM of the custom or the initial domain binds tenant and From',
  world: evidenceWorld,
  play: async (world, stage) => {
    const mail = { tenant: acmeWithEvidence, from: 'ann@dkim.example' }
    const initial = { domain: acme.initialDomain, selector: 'selector1-acme-onmicrosoft-com' }
    const first = await throughExchangeOnline(world, stage, { ...mail, signed: { dkim: [initial] } })
    const said = await throughExchangeOnline(world, stage, { ...mail, signed: { dkim: [{ domain: 'dkim.example' }] } })
    return {
      sent: 'From ann@dkim.example, signed by the initial domain’s key, then by its own',
      said,
      wrong: first.code === 250 ? [] : [`by the initial domain’s key: ${first.code} ${first.text}`],
    }
  },
  expect: { signedFor: 'dkim.example', arrivals: 2 },
}
