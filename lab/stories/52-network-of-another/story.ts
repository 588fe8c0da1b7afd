import { playForms } from '../forms.ts'
import { fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A listed address writes as another customer',
  shows: '3.1 CVE-2024-7209: shared SPF of hosting',
  play: (world, stage) =>
    playForms(
      'from the address of Acme’s plant',
      {
        'as another customer': { from: 'ceo@globex.example', mailFrom: 'ceo@globex.example' },
        'with a reverse-path of its own': { from: 'ceo@globex.example', mailFrom: 'plant@acme.example' },
      },
      (mail) => fromHost(world, stage, plant, mail),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
