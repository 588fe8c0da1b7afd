import { onPrem } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The tenant’s own server relays somebody else’s spam',
  shows: 'block G: compromised on-premises server of an honest tenant',
  play: async (world, stage) => ({
    sent: 'From correo@protege.example, through an open server of Acme’s and its tenant',
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'on-prem', host: onPrem.listed, helo: onPrem.helo },
      from: 'correo@protege.example',
      mailFrom: 'correo@protege.example',
    }),
  }),
  expect: { refused: 'domain-not-owned' },
}
