import { startReceiver } from '../../world/receiver.ts'
import { idIn, sendStuck, until } from '../queue-by-hand.ts'
import type { Story } from '../story.ts'
import { strictWorld } from '../worlds.ts'

const domain = 'd151.example'

export const story: Story = {
  title: 'Mail that is stuck is sent to another host by hand',
  shows: 'the queue by hand: reroute and back',
  world: strictWorld,
  play: async (world, stage) => {
    const { product } = world
    const wrong: string[] = []
    const [said = { code: 0, text: '' }, second = said] = await sendStuck(world, stage, domain, ['one', 'two'])
    const other = await startReceiver({ zone: world.zone, name: 'mx2.d151.example' })
    try {
      const to = `127.0.0.1:${other.port}`
      await product.json('queue', 'hold', idIn(second), '--because', 'not this one')
      await product.json('queue', 'reroute', '--destination', domain, '--to', to, '--yes')
      const shown = await product.operations.queued(idIn(second))
      if (shown?.route?.port !== other.port) wrong.push(`the other shows the way ${JSON.stringify(shown?.route)}`)
      await product.json('queue', 'reroute', idIn(second), '--default')
      if ((await product.operations.queued(idIn(second)))?.route !== null) wrong.push('the usual way did not come back')
      if (!(await until(() => other.arrivals.length === 1))) wrong.push(`${other.arrivals.length} came the other way`)
      const [arrival] = other.arrivals
      if (arrival?.dkim.some(({ result }) => result === 'pass') !== true) wrong.push('it came without a signature')
      world.receiver.deferEverything(false)
      await product.json('queue', 'release', idIn(second))
    } finally {
      await other.close()
    }
    return { sent: 'two messages for a destination that is stuck; one is sent to another host', said, wrong }
  },
  expect: { told: 'one arrives at the other host, one the usual way', arrivals: 1, signed: 1 },
}
