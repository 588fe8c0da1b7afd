import { sendStuck } from '../queue-by-hand.ts'
import type { Story } from '../story.ts'
import { strictWorld } from '../worlds.ts'

const domain = 'd150.example'

export const story: Story = {
  title: 'Mail for one destination is held by filter, and let go',
  shows: 'the queue by hand: bulk with a dry run, holds with an owner',
  world: strictWorld,
  play: async (world, stage) => {
    const { product } = world
    const wrong: string[] = []
    const [said = { code: 0, text: '' }] = await sendStuck(world, stage, domain, ['one', 'two'])
    const states = async () =>
      (await product.operations.queue({ destination: domain })).map(({ state }) => state).join()
    const planned = await product.json('queue', 'hold', '--destination', domain, '--dry-run')
    if ((planned as { count: number }).count !== 2) wrong.push(`the dry run says ${JSON.stringify(planned)}`)
    if ((await states()) !== 'queued,queued') wrong.push('the dry run changed something')
    const because = ['--because', 'the receiver asked us to', '--owner', 'bea', '--for', '1h']
    await product.json('queue', 'hold', '--destination', domain, ...because, '--yes')
    world.receiver.deferEverything(false)
    const held = await product.operations.queue({ reason: 'asked us' })
    if (held.map(({ owner, atEnd }) => `${owner} ${atEnd}`).join() !== 'bea cancel,bea cancel')
      wrong.push(`held: ${JSON.stringify(held)}`)
    const groups = await product.operations.queueSummary('destination', {})
    const group = groups.items.find(({ name }) => name === domain)
    if (group?.held !== 2 || group.nextDue !== null) wrong.push(`the group is ${JSON.stringify(group)}`)
    await product.json('queue', 'release', '--destination', domain, '--yes')
    return { sent: 'two messages for a destination that puts them off; held by filter, then released', said, wrong }
  },
  expect: { told: 'both arrive, signed', arrivals: 2, signed: 2 },
}
