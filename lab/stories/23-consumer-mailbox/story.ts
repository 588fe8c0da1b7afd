import { consumer } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A private outlook.com mailbox',
  shows: '3.1 Guest / consumer tenant, block F',
  play: (world, stage) =>
    playForms(
      'From ceo@acme.example, out of the consumer service that everybody shares',
      {
        'its tenant and its originator': {},
        'outlook.com as originator': { 'x-originatororg': 'outlook.com' },
        'the originator of a customer': { 'x-originatororg': 'acme.example' },
        'a template tenant under another id': {
          'x-ms-exchange-crosstenant-id': '3dd8961f-e488-4e60-8e11-a82d994e183d',
        },
      },
      (stamps) =>
        throughExchangeOnline(world, stage, {
          tenant: consumer,
          from: 'The Boss <ceo@acme.example>',
          mailFrom: 'boss@outlook.com',
          twist: { stamps, xoorg: null },
        }),
      { refused: 'consumer-tenant' },
    ),
  expect: { refused: 'consumer-tenant' },
}
