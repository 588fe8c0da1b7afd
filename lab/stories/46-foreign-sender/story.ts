import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Sender or Resent-From names somebody else',
  shows: '3.3 Sender: / Resent-*',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example, and a second author of another domain',
      {
        'Sender of a stranger': 'Sender: x@evil.example',
        'Sender of another customer': 'Sender: Bob <bob@globex.example>',
        'two Sender fields, one of them Acme’s': 'Sender: ann@acme.example\r\nSender: x@evil.example',
        'Sender that can’t be read': 'Sender: ann@acme.example (<x@evil.example>)',
        'Resent-From of a stranger': 'Resent-From: x@evil.example',
        'Resent-From of two, one of them Acme’s': 'Resent-From: ann@acme.example, x@evil.example',
        'Resent-Sender of a stranger': 'Resent-Sender: x@evil.example',
        'Sender in capitals': 'SENDER: x@evil.example',
      },
      (field) => throughExchangeOnline(world, stage, { more: `${field}\r\n` }),
      { refused: 'sender-not-owned' },
    ),
  expect: { refused: 'sender-not-owned' },
}
