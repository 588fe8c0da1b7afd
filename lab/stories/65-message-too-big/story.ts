import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import { strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A message over the limit',
  shows: '4: message-too-big',
  world: strictWorld,
  play: (world, stage) =>
    playForms(
      '100,000 octets where 65,536 are the limit',
      {
        'announced with SIZE': { parameters: 'SIZE=100000' },
        'not announced': {},
        'announced as small': { parameters: 'SIZE=1000' },
      },
      (mail) => throughExchangeOnline(world, stage, { body: `${'x'.repeat(98)}\r\n`.repeat(1000), ...mail }),
      { refused: 'message-too-big', code: 552 },
    ),
  expect: { refused: 'message-too-big', code: 552 },
}
