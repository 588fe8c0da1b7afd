import { playForms } from '../forms.ts'
import { fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

const from = 'ann@acme.example'

export const story: Story = {
  title: 'Messages whose header section can’t be told from their body',
  shows: '3.3 Header above body tricks',
  play: (world, stage) =>
    playForms(
      'from Acme’s plant, a header section outside the grammar',
      {
        'no header section': 'Only text, and no colon in it.\r\n',
        'an empty line first': `\r\n${stage.header({ from })}`,
        'a line of mbox first': `From ann@acme.example Tue Nov 24 10:00:00 2026\r\n${stage.header({ from })}`,
        'a fold first': ` folded\r\n${stage.header({ from })}`,
        'a space before the colon of From': stage.header({ from }).replace('From:', 'From :'),
        'a line without a colon': `${stage.header({ from })}no field\r\n`,
        'eight bits in From without SMTPUTF8': stage.header({ from: 'Änn <ann@acme.example>' }),
        'a name in Cyrillic': `${stage.header({ from })}Fr\u043em: x@evil.example\r\n`,
        'too many fields': `${stage.header({ from })}${'X: y\r\n'.repeat(1001)}`,
        'too long a section': `${stage.header({ from })}${`X: ${'y'.repeat(900)}\r\n`.repeat(300)}`,
      },
      (header) => fromHost(world, stage, plant, { header }),
      { refused: 'message-malformed', code: 554 },
    ),
  expect: { refused: 'message-malformed', code: 554 },
}
