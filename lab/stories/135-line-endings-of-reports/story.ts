import { complaintsTo, feedbackWorld, idIn, openFeedback } from '../feedback.ts'
import type { Story } from '../story.ts'

const smuggled = 'MAIL FROM:<>\r\nRCPT TO:<fbl@reports.lab.example>\r\nDATA\r\nFrom: x@y\r\n\r\nx'

export const story: Story = {
  title: 'Line endings are judged on a feedback listener as on any other',
  shows: 'SMTP smuggling into reports',
  world: feedbackWorld,
  play: async (world) => {
    const wrong: string[] = []
    let id = ''
    for (const end of ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r']) {
      const client = await openFeedback(world)
      await client.command('MAIL FROM:<>')
      await client.command(`RCPT TO:<${complaintsTo}>`)
      await client.command('DATA')
      client.write(`From: a@b.example\r\n\r\ntext${end}${smuggled}\r\n.\r\n`)
      const heard = await client.reply()
      const closed = await client.reply()
      if (!heard.text.startsWith('5.6.0 [line-endings]')) wrong.push(`it was answered ${heard.code} ${heard.text}`)
      if (closed.code !== 0) wrong.push(`then ${closed.code} ${closed.text} followed`)
      id = idIn(heard)
    }
    const told = await world.product.operations.why(id, { replay: false })
    if (told?.rule !== 'line-endings') wrong.push(`why tells ${told?.rule ?? 'nothing'} of ${id}`)
    return { sent: 'reports with a bare CR or LF before the dot', said: { code: 554, text: 'each was refused' }, wrong }
  },
  expect: { told: 'each is refused and the connection closed', arrivals: 0, signed: 0 },
}
