import type { World } from '../../world/world.ts'
import { playForms } from '../forms.ts'
import { type Mail, crmAccount, fromHost, throughExchangeOnline } from '../senders.ts'
import type { Stage, Story } from '../story.ts'

const viaAccount = (world: World, stage: Stage, mail: Mail) => fromHost(world, stage, crmAccount, mail)

export const story: Story = {
  title: 'The customer’s own tenant writes as a domain that no grant names',
  shows: '5.5: exact match of every part',
  play: (world, stage) =>
    playForms(
      'From ann@acme-sales.example, which Acme owns and has granted to no source',
      { 'from the tenant': throughExchangeOnline, 'from the account': viaAccount },
      (send) => send(world, stage, { from: 'Ann <ann@acme-sales.example>', mailFrom: 'ann@acme-sales.example' }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
