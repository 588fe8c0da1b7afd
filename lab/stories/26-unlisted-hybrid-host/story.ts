import { onPrem } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A server that the owner did not list, behind the right tenant',
  shows: '3.2 Compromised on-prem hybrid; 3.2 Direct Send',
  play: (world, stage) =>
    playForms(
      `From ceo@acme.example, through Acme’s tenant from ${onPrem.unlisted}`,
      {
        'an on-premises server': { kind: 'on-prem', host: onPrem.unlisted, helo: onPrem.helo },
        'a connector': { kind: 'connector', host: onPrem.unlisted, helo: 'mail.acme.example' },
        'the neighbour of the listed address': { kind: 'on-prem', host: '198.51.100.8', helo: onPrem.helo },
        'the listed address in IPv6 clothes of another': {
          kind: 'on-prem',
          host: '2001:db8::198:51:100:7',
          helo: onPrem.helo,
        },
      } as const,
      (mode) => throughExchangeOnline(world, stage, { mode, from: 'ceo@acme.example', mailFrom: 'ceo@acme.example' }),
      { refused: 'hybrid-host-not-listed' },
    ),
  expect: { refused: 'hybrid-host-not-listed' },
}
