import { addresses } from '../../world/cast.ts'
import { createAuthority } from '../../world/certificates.ts'
import { playForms } from '../forms.ts'
import { forgedStamps, fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Forged trust fields from a rented server',
  shows: '3.1 Forged X-OriginatorOrg from a non-EXO IP',
  play: async (world, stage) => {
    const otherAuthority = await createAuthority('Another Root')
    return playForms(
      'From ann@acme.example with the stamps of Acme’s tenant, from a rented server',
      {
        'in clear': {},
        'over TLS without a certificate': { tls: {} },
        'with a stranger’s certificate': { tls: world.identities.stranger },
        'with the provider’s name from another authority': {
          tls: await otherAuthority.issue(['mail.protection.outlook.com']),
        },
      },
      (host) => fromHost(world, stage, { address: addresses.vps, ...host }, { more: forgedStamps }),
      { refused: 'source-unproven' },
    )
  },
  expect: { refused: 'source-unproven' },
}
