import { readDsns } from '../../peers/dsn-reader.ts'
import { idIn, sendStuck } from '../queue-by-hand.ts'
import type { Story } from '../story.ts'
import { strictWorld } from '../worlds.ts'

const reply = '5.7.1 the order was withdrawn'

export const story: Story = {
  title: 'A message is returned by hand, with the reason that was given',
  shows: 'the queue by hand: bounce; one reason in event and report',
  world: strictWorld,
  play: async (world, stage) => {
    const { product } = world
    const wrong: string[] = []
    const [said = { code: 0, text: '' }] = await sendStuck(world, stage, 'd152.example', ['one'])
    const id = idIn(said)
    const bounce = ['queue', 'bounce', id, '--because', 'the order was withdrawn', '--status', '5.7.1']
    const unsure = await product.cli(...bounce)
    if (unsure.code !== 2 || !unsure.err.includes('--yes')) wrong.push(`without --yes it said ${unsure.err}`)
    const done = await product.cli(...bounce, '--yes')
    if (done.code !== 0) wrong.push(`bounce said ${done.err}`)
    world.receiver.deferEverything(false)
    const told = await product.operations.why(id, { replay: false })
    const bounced = told?.events.find(({ kind }) => kind === 'bounced')
    if (bounced?.words.includes(reply) !== true) wrong.push(`the story says ${bounced?.words}`)
    return { sent: 'a message that waits; an operator returns it', said, wrong }
  },
  expect: { told: 'one report to the reverse-path, which an independent reader reads', arrivals: 1, signed: 0 },
  arrived: (arrivals) =>
    readDsns(arrivals.map(({ message }) => message)).flatMap(({ recipients, defects }) => [
      ...defects,
      ...(recipients[0]?.['status'] === '5.7.1' ? [] : [`the status is ${recipients[0]?.['status']}`]),
      ...(recipients[0]?.['diagnostic-code'] === `x-anechoic; ${reply}` ? [] : ['the reason is not the one given']),
    ]),
}
