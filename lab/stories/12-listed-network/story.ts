import { fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A host at an address that the owner listed',
  shows: 'honest mail: network source',
  play: async (world, stage) => ({
    sent: 'From plant@acme.example, in clear from the address of Acme’s plant',
    said: await fromHost(world, stage, plant, { from: 'plant@acme.example', mailFrom: 'plant@acme.example' }),
  }),
  expect: { signedFor: 'acme.example' },
}
