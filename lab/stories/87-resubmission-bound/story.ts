import { throughExchangeOnline } from '../senders.ts'
import { evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

const id = '0d98eed3-bc91-4265-35e5-08d9fa4db302'

export const story: Story = {
  title: 'One message reaches a thousand recipients in a day, and no more',
  shows: '5.13: each Network-Message-Id and body hash a bounded number of times',
  world: evidenceWorld,
  play: async (world, stage) => {
    const send = (from: number, count: number, stamp = id) =>
      throughExchangeOnline(world, stage, {
        recipients: Array.from({ length: count }, (_, at) => stage.address(`r${from + at}`)),
        twist: { stamps: { 'x-ms-exchange-crosstenant-network-message-id': stamp } },
      })
    const wrong: string[] = []
    for (const [what, wanted, answer] of [
      ['the first 500', 250, await send(0, 500)],
      ['the next 500', 250, await send(500, 500)],
      ['the first 500 again', 250, await send(0, 500)],
      ['one more', 451, await send(1000, 1)],
      ['one more in another message', 250, await send(1000, 1, '11111111-bc91-4265-35e5-08d9fa4db302')],
    ] as const)
      if (answer.code !== wanted) wrong.push(`${what}: ${answer.code} ${answer.text}`)
    const said = await send(999, 2)
    if (!said.text.includes('[rate-exceeded]')) wrong.push(`one known and one new: ${said.code} ${said.text}`)
    return { sent: 'the same message to 1,002 people in six envelopes', said, wrong }
  },
  // Delivery hands over a hundred recipients at a time.
  expect: { told: 'three envelopes of 500 and one of 1 are signed', arrivals: 16, signed: 16 },
}
