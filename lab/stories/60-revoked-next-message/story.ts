import { fromHost, plant } from '../senders.ts'
import { customerOf, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A revoked grant refuses the next message',
  shows: '10: a revoked grant stops within a second',
  world: strictWorld,
  play: async (world, stage) => {
    const first = await fromHost(world, stage, plant)
    await world.applyPolicy((policy) => {
      const acme = customerOf(policy, 'acme')
      acme.grants = acme.grants.filter((grant) => grant['id'] !== 'acme-plant')
    })
    const said = await fromHost(world, stage, plant, { recipients: [stage.address('late')] })
    return {
      sent: 'two messages from the plant, its grant revoked in between',
      said,
      wrong: [
        ...(first.code === 250 ? [] : [`the first was answered ${first.code} ${first.text}`]),
        ...(said.text.includes('[tenant-not-authorised]') ? [] : [`the next was answered ${said.code} ${said.text}`]),
      ],
    }
  },
  expect: { told: 'the first is signed, the next is refused', arrivals: 1, signed: 1 },
}
