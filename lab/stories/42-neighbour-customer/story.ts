import { globex } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A customer’s user writes as another customer',
  shows: '3.1 Confused customers: GUID belongs to one',
  play: (world, stage) =>
    playForms(
      'From ceo@acme.example, written in a mailbox at Globex, which is a customer too',
      {
        'with his own reverse-path': { mailFrom: 'bob@globex.example' },
        'and the edge taken in by it': {
          mailFrom: 'bob@globex.example',
          twist: { stamps: { 'x-ms-exchange-senderadcheck': '1' } },
        },
        'with Acme’s originator stamped': {
          mailFrom: 'bob@globex.example',
          twist: { stamps: { 'x-originatororg': 'acme.example' }, xoorg: 'acme.example' },
        },
      },
      (mail) => throughExchangeOnline(world, stage, { tenant: globex, from: 'The Boss <ceo@acme.example>', ...mail }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
