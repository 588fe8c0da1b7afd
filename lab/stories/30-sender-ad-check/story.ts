import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Exchange Online itself says that From is not the tenant’s',
  shows: '2.4 SenderADCheck 0 and 2',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example, Hosted and Internal',
      { 'SenderADCheck 2': '2', 'SenderADCheck 0': '0', 'SenderADCheck 11': '11', 'SenderADCheck yes': 'yes' },
      (value) => throughExchangeOnline(world, stage, { twist: { stamps: { 'x-ms-exchange-senderadcheck': value } } }),
      { refused: 'class-not-authorised' },
    ),
  expect: { refused: 'class-not-authorised' },
}
