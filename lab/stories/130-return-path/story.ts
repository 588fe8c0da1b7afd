import { bounceDomain, feedbackWorld, sendAndTake } from '../feedback.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The reverse-path is an address of ours, and SPF aligns',
  shows: 'honest mail: a return path',
  world: feedbackWorld,
  play: async (world, stage) => {
    const { said, arrival } = await sendAndTake(world, stage)
    const [checked] = await world.product.operations.checkDomains(['acme.example'])
    const records = (checked?.returnPathRecords ?? []).map(({ name, type }) => `${name} ${type}`)
    return {
      sent: 'a message of a customer with a return path',
      said,
      wrong: [
        ...(arrival.spf === 'pass' ? [] : [`SPF says ${arrival.spf}`]),
        ...(records.join() === `${bounceDomain} MX,${bounceDomain} TXT`
          ? []
          : [`domains check names ${records.join()}`]),
      ],
    }
  },
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals) =>
    arrivals.flatMap(({ mailFrom, text }) => [
      ...(/^[0-9a-z]{40}@bounce\.acme\.example$/.test(mailFrom) ? [] : [`the reverse-path is ${mailFrom}`]),
      ...(/^Feedback-ID: acme:acme-m365:hosted:relaylabexample\r?$/m.test(text)
        ? []
        : ['there is no Feedback-ID of ours']),
    ]),
}
