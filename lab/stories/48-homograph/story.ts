import { domainToASCII } from 'node:url'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

/** The first two letters are Cyrillic. */
const cyrillic = '\u0430\u0441me.example'

export const story: Story = {
  title: 'A domain that only looks like the customer’s',
  shows: '3.3 IDN homograph / display name',
  play: (world, stage) =>
    playForms(
      'From a domain that is drawn like acme.example',
      {
        'as an A-label': { from: `Ann <ann@${domainToASCII(cyrillic)}>` },
        'in Cyrillic': { from: `Ann <ann@${cyrillic}>`, parameters: 'SMTPUTF8' },
        'behind the address as a name': { from: '"ann@acme.example" <x@evil.example>' },
        'behind the address as an encoded name': { from: '=?utf-8?q?ann=40acme=2Eexample?= <x@evil.example>' },
        'with a digit for a letter': { from: 'ann@acme.examp1e' },
      },
      (mail) => throughExchangeOnline(world, stage, mail),
      { refused: 'domain-not-owned' },
    ),
  expect: { refused: 'domain-not-owned' },
}
