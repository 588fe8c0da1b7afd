import { spammer } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The spammer moves on to a customer who has granted nothing',
  shows: '3.1 Same, next customer: no "allow any" state exists',
  play: async (world, stage) => ({
    sent: 'From offers@initech.example, by the spammer’s tenant; Initech has a domain and no grant',
    said: await throughExchangeOnline(world, stage, {
      tenant: spammer,
      mode: { kind: 'connector', host: '62.212.79.184', helo: 'jen19728669.onmicrosoft.com' },
      from: 'Initech Rewards <offers@initech.example>',
      mailFrom: 'x@jen19728669.onmicrosoft.com',
    }),
  }),
  expect: { refused: 'tenant-not-authorised' },
}
