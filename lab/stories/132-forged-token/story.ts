import { bounceDomain, bounceOf, eventsOf, feedbackWorld, sendAndTake, sendBack } from '../feedback.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A bounce to a token that is not ours is refused, and counts against nobody',
  shows: 'forged bounces',
  world: feedbackWorld,
  play: async (world, stage) => {
    const { said, id, arrival } = await sendAndTake(world, stage)
    const [token = '', domain = ''] = arrival.mailFrom.split('@')
    const other = token.endsWith('0') ? '1' : '0'
    const forged = [
      `${token.slice(0, -1)}${other}@${domain}`,
      `${token.slice(0, 17)}001${token.slice(20)}@${domain}`,
      `${token}@acme.example`,
      `${token}0@${domain}`,
      `bounce@${bounceDomain}`,
    ]
    const heard = []
    for (const address of forged) heard.push(await sendBack(world, address, bounceOf(stage.recipient)))
    const bounced = await eventsOf(world, id, 'bounced-later', 1000)
    return {
      sent: 'bounces to addresses that look like the one of a message',
      said,
      wrong: [
        ...heard.flatMap(({ code, text }) =>
          code === 550 && text.startsWith('5.1.1 [unknown-recipient]') ? [] : [`it was answered ${code} ${text}`],
        ),
        ...(bounced.length === 0 ? [] : [`why tells ${bounced.join('; ')}`]),
      ],
    }
  },
  expect: { signedFor: 'acme.example' },
}
