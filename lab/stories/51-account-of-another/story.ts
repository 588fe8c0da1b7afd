import { playForms } from '../forms.ts'
import { crmAccount, fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'An account that is signed in writes as somebody else',
  shows: '3.1 MailChannels / SpamChannel; CERT VU#244112 CVE-2024-7208',
  play: (world, stage) =>
    playForms(
      'signed in as Acme’s CRM',
      {
        'as another customer': 'ceo@globex.example',
        'as a customer without grants': 'ceo@initech.example',
        'as a domain of its own customer that it was not granted': 'ann@acme-sales.example',
      },
      (from) => fromHost(world, stage, crmAccount, { from, mailFrom: 'crm@acme.example' }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
