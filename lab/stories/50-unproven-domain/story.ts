import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A domain that a customer claims and has not proven',
  shows: '3.1 Domain claimed by two customers: proof before any signing',
  play: (world, stage) =>
    playForms(
      'by Acme’s own tenant, From a domain without a proof',
      { 'a domain that Acme lists': 'ann@unproven.acme.example', 'the relay’s own': 'postmaster@relay.lab.example' },
      (from) => throughExchangeOnline(world, stage, { from }),
      { refused: 'domain-unproven' },
    ),
  expect: { refused: 'domain-unproven' },
}
