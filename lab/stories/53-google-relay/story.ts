import { addresses } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Google’s shared relay',
  shows: '3.1 Google SMTP relay; 2.6',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example with X-Relaying-Domain: acme.example, from an address of Google’s',
      {
        'in clear': {},
        'over TLS': { tls: {} },
        'signed in as Acme’s CRM': { tls: {}, signIn: true },
        'with the certificate of Acme’s ERP': { tls: world.identities.erp },
      },
      (host) =>
        fromHost(world, stage, { address: addresses.google, ...host }, { more: 'X-Relaying-Domain: acme.example\r\n' }),
      { refused: 'tenant-not-authorised' },
    ),
  expect: { refused: 'tenant-not-authorised' },
}
