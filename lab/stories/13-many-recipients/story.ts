import { throughExchangeOnline } from '../senders.ts'
import type { Stage, Story } from '../story.ts'

const everybody = (stage: Stage): readonly string[] =>
  Array.from({ length: 150 }, (_, at) => stage.address(`reader${at}`))

export const story: Story = {
  title: 'One message for 150 recipients',
  shows: 'honest mail: many recipients',
  play: async (world, stage) => ({
    sent: 'a message for 150 recipients',
    said: await throughExchangeOnline(world, stage, { recipients: everybody(stage) }),
  }),
  expect: { signedFor: 'acme.example', arrivals: 2 },
  arrived: (arrivals, stage) => {
    const reached = arrivals.flatMap(({ recipients }) => recipients)
    return reached.toSorted().join() === everybody(stage).toSorted().join() ? [] : ['not everybody got it once']
  },
}
