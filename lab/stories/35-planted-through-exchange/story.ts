import { spammer } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { forgedStamps, throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Another tenant plants the customer’s stamps',
  shows: '3.1 Forged from a different EXO tenant',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example with planted stamps of Acme’s, through the spammer’s tenant',
      {
        'by connector': { kind: 'connector', host: '62.212.79.184', helo: 'jen19728669.onmicrosoft.com' },
        'from a mailbox': { kind: 'mailbox' },
      } as const,
      (mode) =>
        throughExchangeOnline(world, stage, {
          tenant: spammer,
          mode,
          mailFrom: 'x@jen19728669.onmicrosoft.com',
          more: forgedStamps,
        }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
