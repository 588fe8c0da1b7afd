import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

const own = { domain: 'dkim.example' }

export const story: Story = {
  title: 'The owner asks for the provider’s DKIM signature, and it is wanting',
  shows: '5.13: absent or invalid',
  world: evidenceWorld,
  play: (world, stage) => {
    world.zone['gone._domainkey.dkim.example'] = { TXT: ['v=DKIM1; p='] }
    return playForms(
      'From ann@dkim.example, whose grant requires the provider’s DKIM',
      {
        absent: {},
        'with From altered': {
          signed: { dkim: [own] },
          twist: {
            afterSigning: (message: Buffer) => Buffer.from(message.toString().replace('<ann@dkim', '<bob@dkim')),
          },
        },
        'with the body altered': {
          signed: { dkim: [own] },
          twist: { afterSigning: (message: Buffer) => Buffer.from(message.toString().replace('Hello', 'Hullo')) },
        },
        'without SenderADCheck': { signed: { dkim: [{ ...own, fields: ['From', 'Subject'] }] } },
        'with a part of the body': { signed: { dkim: [{ ...own, bodyLength: 2 }] } },
        'by a key that is revoked': { signed: { dkim: [{ ...own, selector: 'gone' }] } },
      },
      (form) =>
        throughExchangeOnline(world, stage, { tenant: acmeWithEvidence, from: 'Ann <ann@dkim.example>', ...form }),
      { refused: 'evidence-required' },
    )
  },
  expect: { refused: 'evidence-required' },
}
