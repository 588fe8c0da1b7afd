import { addresses } from '../../world/cast.ts'
import { fromHost } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A rented server inside a customer’s wide SPF record',
  shows: '3.1 BreakSPF',
  play: async (world, stage) => ({
    sent: 'From ceo@initech.example, from a rented server that Initech’s SPF record includes',
    said: await fromHost(
      world,
      stage,
      { address: addresses.vps, tls: {} },
      { from: 'ceo@initech.example', mailFrom: 'ceo@initech.example' },
    ),
  }),
  expect: { refused: 'source-unproven' },
}
