import { lookalike } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A tenant whose name looks like the brand’s',
  shows: '3.1 Lookalike tenant, block E',
  play: (world, stage) =>
    playForms(
      'acmesettings.onmicrosoft.com, perfectly authenticated as itself',
      {
        'as the brand': { from: 'Acme Settings <info@acme.example>' },
        'as the brand, with its name as originator domain in the display name': {
          from: '"acme.example via acmesettings" <security@acme.example>',
        },
      },
      ({ from }) =>
        throughExchangeOnline(world, stage, { tenant: lookalike, from, mailFrom: 'info@acmesettings.onmicrosoft.com' }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
