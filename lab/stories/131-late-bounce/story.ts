import { bounceOf, eventsOf, feedbackWorld, idIn, sendAndTake, sendBack, senderOn } from '../feedback.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The receiver returns what it took: why tells it, and the sender hears once',
  shows: 'honest mail: an asynchronous bounce',
  world: feedbackWorld,
  play: async (world, stage) => {
    const { said, id, arrival } = await sendAndTake(world, stage)
    const back = await sendBack(world, arrival.mailFrom.toUpperCase(), bounceOf(stage.recipient))
    const again = await sendBack(world, arrival.mailFrom, bounceOf(stage.recipient))
    const bounced = await eventsOf(world, id, 'bounced-later')
    await world.arrivalsFor(senderOn(stage), 1)
    const told = await world.product.operations.why(idIn(back), { replay: false })
    return {
      sent: 'a message that is taken and returned twice',
      said,
      wrong: [
        ...[back, again].flatMap(({ code, text }) =>
          code === 250 && text.includes('[feedback-accepted]') ? [] : [`the bounce was answered ${code} ${text}`],
        ),
        ...(bounced.length === 1 && bounced[0]?.includes('found by token') ? [] : [`why tells ${bounced.join('; ')}`]),
        ...(told?.words.some((line) => line.includes(id)) ? [] : ['the id of the bounce tells nothing']),
      ],
    }
  },
  expect: { told: 'the message, then one report to its sender', arrivals: 2, signed: 1 },
  arrived: (arrivals, stage) => {
    const report = arrivals.find(({ recipients }) => recipients.includes(senderOn(stage)))
    if (report === undefined) return ['no report reached the sender']
    return [
      ...(report.mailFrom === '' ? [] : [`the reverse-path of the report is ${report.mailFrom}`]),
      ...[
        /^Action: failed/m,
        /^Status: 5\.1\.1/m,
        /the mailbox is gone/,
        /^From: MAILER-DAEMON <postmaster@relay\.lab/m,
      ]
        .filter((wanted) => !wanted.test(report.text))
        .map((wanted) => `the report does not say ${wanted.source}`),
    ]
  },
}
