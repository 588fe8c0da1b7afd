import { headerOf } from '../play.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The destination refuses, and the sender hears of it',
  shows: 'honest mail: non-delivery report of ours',
  play: async (world, stage) => ({
    sent: 'a message for a mailbox that the destination refuses',
    said: await throughExchangeOnline(world, stage, {
      mailFrom: stage.address('ann', 'acme.example'),
      recipients: [stage.address('refused')],
    }),
  }),
  expect: { told: 'one report, unsigned, to the reverse-path', arrivals: 1, signed: 0 },
  arrived: (arrivals, stage) =>
    arrivals.flatMap(({ mailFrom, recipients, text }) => [
      ...(mailFrom === '' ? [] : [`the reverse-path of the report is ${mailFrom}`]),
      ...(recipients.join() === stage.address('ann', 'acme.example') ? [] : [`it went to ${recipients.join()}`]),
      ...[/^From:.*@relay\.lab\.example/im, /^Content-Type: multipart\/report/im, /^Auto-Submitted: auto-replied/im]
        .filter((wanted) => !wanted.test(headerOf(text)))
        .map((wanted) => `the report has no ${wanted.source}`),
      ...[/^Action: failed/im, /^Status: 5\.1\.1/im, /there is no such mailbox/]
        .filter((wanted) => !wanted.test(text))
        .map((wanted) => `the report does not say ${wanted.source}`),
    ]),
}
