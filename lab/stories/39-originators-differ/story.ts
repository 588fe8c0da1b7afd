import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The envelope names one organisation and the header another',
  shows: '2.3 XOORG mismatch',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example, originator acme.example',
      {
        'XOORG of the spammer': { xoorg: 'jen19728669.onmicrosoft.com' },
        'XOORG of another customer': { xoorg: 'globex.example' },
        'XOORG of the same tenant’s other domain': { xoorg: 'acme-sales.example' },
        'XOORG that is no domain': { xoorg: 'acme..example' },
        'X-OriginatorOrganization of another': { afterStamps: 'X-OriginatorOrganization: globex.example\r\n' },
      },
      (twist) => throughExchangeOnline(world, stage, { twist }),
      { refused: 'evidence-conflict' },
    ),
  expect: { refused: 'evidence-conflict' },
}
