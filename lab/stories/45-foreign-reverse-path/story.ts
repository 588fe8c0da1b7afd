import { playForms } from '../forms.ts'
import { crmAccount, fromHost, throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The return address is not the customer’s',
  shows: '3.3 P1 / auth confusion; 1.3 P1 = own onmicrosoft',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example with a reverse-path that Acme does not own',
      {
        'the tenant’s initial domain': 'ann@acme.onmicrosoft.com',
        'a stranger’s domain': 'x@evil.example',
        'another customer’s domain': 'bob@globex.example',
        'a subdomain that was never proven': 'bounce@mail.acme.example',
        'a domain whose proof is missing': 'ann@unproven.acme.example',
      },
      (mailFrom) =>
        mailFrom.endsWith('onmicrosoft.com')
          ? throughExchangeOnline(world, stage, { mailFrom })
          : fromHost(world, stage, crmAccount, { mailFrom }),
      { refused: 'reverse-path-not-owned' },
    ),
  expect: { refused: 'reverse-path-not-owned' },
}
