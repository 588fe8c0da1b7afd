import { acme } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The provider’s connection without a tenant or an originator',
  shows: '2.2: missing means deny',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example over the provider’s connection, with half of the identity missing',
      {
        'no tenant id': { 'x-ms-exchange-crosstenant-id': null },
        'no originator': { 'x-originatororg': null },
        'an empty tenant id': { 'x-ms-exchange-crosstenant-id': '' },
        'a tenant id that is no GUID': { 'x-ms-exchange-crosstenant-id': 'acme' },
        'two tenant ids in one field': {
          'x-ms-exchange-crosstenant-id': `${acme.id}, ${acme.id}`,
        },
        'an originator that is no domain': { 'x-originatororg': 'acme example' },
        'a wildcard for an originator': { 'x-originatororg': '*.example' },
      },
      (stamps) => throughExchangeOnline(world, stage, { twist: { stamps } }),
      { refused: 'evidence-missing' },
    ),
  expect: { refused: 'evidence-missing' },
}
