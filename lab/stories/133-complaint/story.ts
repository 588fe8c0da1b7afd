import { complaintsTo, eventsOf, feedbackWorld, sendAndTake, sendBack } from '../feedback.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A complaint comes back to its message, whoever is blacked out in it',
  shows: 'honest mail: a feedback loop',
  world: feedbackWorld,
  play: async (world, stage) => {
    const { said, id, arrival } = await sendAndTake(world, stage)
    const returned = arrival.text.slice(0, arrival.text.indexOf('\r\n\r\n')).replaceAll(stage.recipient, 'redacted')
    const complaint = [
      'From: feedback@receiver.example',
      'Subject: complaint',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
      '',
      '--b',
      '',
      'This is an email abuse report.',
      '--b',
      'Content-Type: message/feedback-report',
      '',
      'Feedback-Type: abuse',
      'User-Agent: Receiver/1.0',
      'Version: 1',
      `Original-Mail-From: <${arrival.mailFrom}>`,
      '--b',
      'Content-Type: message/rfc822',
      '',
      returned,
      '',
      'text',
      '--b--',
      '',
    ].join('\r\n')
    const heard = await sendBack(world, complaintsTo, complaint)
    const complained = await eventsOf(world, id, 'complained')
    return {
      sent: 'a message about which its recipient complains',
      said,
      wrong: [
        ...(heard.code === 250 ? [] : [`the complaint was answered ${heard.code} ${heard.text}`]),
        ...(complained.length === 1 && complained[0]?.includes(stage.recipient)
          ? []
          : [`why tells ${complained.join('; ')}`]),
      ],
    }
  },
  expect: { signedFor: 'acme.example' },
}
