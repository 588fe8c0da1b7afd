import { bounceOf, complaintsTo, eventsOf, feedbackWorld, sendAndTake, sendBack } from '../feedback.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A bounce that knows the id of a message, and nobody stands for it, counts against no address',
  shows: 'forged bounces',
  world: feedbackWorld,
  play: async (world, stage) => {
    const { said, id, arrival } = await sendAndTake(world, stage)
    const received = /^Received: from [\s\S]*? id [0-9a-z]{16}[\s\S]*?\r\n(?!\s)/m.exec(arrival.text)?.[0] ?? ''
    const returned = `--b\r\nContent-Type: text/rfc822-headers\r\n\r\n${received}--b--\r\n`
    const heard = await sendBack(world, complaintsTo, bounceOf(stage.recipient).replace('--b--\r\n', returned))
    const reported = await eventsOf(world, id, 'reported-later')
    const bounced = await eventsOf(world, id, 'bounced-later', 100)
    return {
      sent: 'a bounce made of a Received field that somebody read in an archive',
      said,
      wrong: [
        ...(heard.code === 250 ? [] : [`it was answered ${heard.code} ${heard.text}`]),
        ...(reported[0]?.includes('found by trace') ? [] : [`why tells ${reported.join('; ')}`]),
        ...(bounced.length === 0 ? [] : [`it counts: ${bounced.join('; ')}`]),
      ],
    }
  },
  expect: { signedFor: 'acme.example' },
}
