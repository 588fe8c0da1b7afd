import { createAuthority } from '../../world/certificates.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The right address without the right certificate',
  shows: '2.1 connection evidence: address and certificate',
  play: async (world, stage) => {
    const named = ['mail.protection.outlook.com']
    const otherAuthority = await createAuthority('Another Root')
    return playForms(
      'From ann@acme.example with Acme’s stamps, from the address of Exchange Online',
      {
        'in clear': { plain: true },
        'without a certificate': { identity: null },
        'with a stranger’s certificate': { identity: world.identities.stranger },
        'with the right name from another authority': { identity: await otherAuthority.issue(named) },
        'with an expired certificate': {
          identity: await world.authority.issue(named, { notAfter: new Date(Date.now() - 60_000) }),
        },
        'with a name that only ends alike': {
          identity: await world.authority.issue(['evilmail.protection.outlook.com']),
        },
        'with a name that only starts alike': {
          identity: await world.authority.issue(['mail.protection.outlook.com.evil.example']),
        },
      },
      (twist) => throughExchangeOnline(world, stage, { twist }),
      { refused: 'source-unproven' },
    )
  },
  expect: { refused: 'source-unproven' },
}
