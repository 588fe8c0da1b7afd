import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The provider does not say how the sender was authenticated',
  shows: '3.2: absent class is a refusal',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example, with a mark of its origin missing or strange',
      {
        'no AuthAs': { 'x-ms-exchange-crosstenant-authas': null },
        'a mailbox that is anonymous': { 'x-ms-exchange-crosstenant-authas': 'Anonymous' },
        'an AuthAs of no known kind': { 'x-ms-exchange-crosstenant-authas': 'Partner' },
        'no FromEntityHeader': { 'x-ms-exchange-crosstenant-fromentityheader': null },
        'a FromEntityHeader of no known kind': { 'x-ms-exchange-crosstenant-fromentityheader': 'HostedX' },
      },
      (stamps) => throughExchangeOnline(world, stage, { twist: { stamps } }),
      { refused: 'class-not-authorised' },
    ),
  expect: { refused: 'class-not-authorised' },
}
