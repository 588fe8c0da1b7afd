import { complaintsTo, feedbackWorld, openFeedback } from '../feedback.ts'
import type { Story } from '../story.ts'

/** Commands by which somebody may hope to be let through, and the code that each must not be answered with. */
const hopes = [
  'AUTH PLAIN AGNybUBhY21lAGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=',
  'AUTH LOGIN',
  'XCLIENT ADDR=127.0.0.10',
  'ETRN receiver.example',
]

export const story: Story = {
  title: 'Nothing is relayed from a feedback listener, whoever asks and however',
  shows: 'open relay',
  world: feedbackWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    const client = await openFeedback(world)
    for (const command of hopes) {
      const { code } = await client.command(command)
      if (code < 400) wrong.push(`${command.split(' ')[0]} was answered ${code}`)
    }
    const from = await client.command('MAIL FROM:<ann@acme.example>')
    if (from.code !== 250) wrong.push(`MAIL was answered ${from.code}`)
    const [local] = stage.recipient.split('@')
    const strangers = [
      stage.recipient,
      `"${stage.recipient}"@relay.lab.example`,
      `${local}%receiver.example@relay.lab.example`,
      `@relay.lab.example:${stage.recipient}`,
      `${local}@[127.0.0.1]`,
      `postmaster@receiver.example`,
      `fbl+${local}@reports.lab.example`,
      'ann@acme.example',
    ]
    for (const address of strangers) {
      const { code, text } = await client.command(`RCPT TO:<${address}>`)
      if (code < 500 || text.includes('relay denied')) wrong.push(`${address} was answered ${code} ${text}`)
    }
    const known = await client.command(`RCPT TO:<${complaintsTo}>`)
    if (known.code !== 250) wrong.push(`${complaintsTo} was answered ${known.code}`)
    await client.command('DATA')
    client.write(
      `To: ${stage.recipient}\r\nBcc: ${stage.recipient}\r\nResent-To: ${stage.recipient}\r\n\r\nRelay me.\r\n.\r\n`,
    )
    const said = await client.reply()
    if (!said.text.startsWith('2.0.0 [feedback-accepted]'))
      wrong.push(`the mail was answered ${said.code} ${said.text}`)
    await client.quit()
    // Were it relayed, it would be on its way by now.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const queued = await world.product.operations.queue({})
    if (queued.some((one) => one.recipients.some(({ address }) => address.startsWith(stage.name))))
      wrong.push('it is in the queue')
    return { sent: 'every way to have it relayed', said: { code: said.code, text: 'what was taken is kept' }, wrong }
  },
  expect: { told: 'nothing arrives anywhere', arrivals: 0, signed: 0 },
}
