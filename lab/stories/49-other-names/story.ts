import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Names above, below and beside the customer’s',
  shows: '3.1 SubdoMailing; 3.1 Lookalike tenant; 5.6 subdomain only if proven',
  play: (world, stage) =>
    playForms(
      'From a name that has acme.example in it, by Acme’s own tenant',
      {
        'a subdomain': 'ann@mail.acme.example',
        'a subdomain of many labels': 'ann@a.b.c.acme.example',
        'the name as a subdomain of another': 'ann@acme.example.evil.example',
        'a longer name': 'ann@notacme.example',
        'the parent': 'ann@example',
        'the tenant’s initial domain': 'ann@acme.onmicrosoft.com',
      },
      (from) => throughExchangeOnline(world, stage, { from }),
      { refused: 'domain-not-owned' },
    ),
  expect: { refused: 'domain-not-owned' },
}
