import { throughExchangeOnline } from '../senders.ts'
import { strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'More recipients than one transaction may have',
  shows: '4: too-many-recipients',
  world: strictWorld,
  play: async (world, stage) => ({
    sent: 'six recipients where five are the limit',
    said: await throughExchangeOnline(world, stage, {
      recipients: Array.from({ length: 6 }, (_, at) => stage.address(`reader${at}`)),
    }),
  }),
  expect: { refused: 'too-many-recipients', code: 452 },
}
