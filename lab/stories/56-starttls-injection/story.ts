import { connectFrom, plant } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Commands slipped in behind STARTTLS',
  shows: '3.3 early pipelining',
  play: async (world, stage) => {
    const client = await connectFrom(world, plant)
    client.write(
      `STARTTLS\r\nMAIL FROM:<ceo@acme.example>\r\nRCPT TO:<${stage.recipient}>\r\nDATA\r\n${stage.header({ from: 'ceo@acme.example' })}\r\ninjected\r\n.\r\n`,
    )
    const said = await client.reply()
    const next = await client.reply()
    return {
      sent: 'STARTTLS with a whole transaction behind it, in one packet and in clear',
      said,
      wrong: [
        ...(said.code === 0 || said.code >= 421 ? [] : [`STARTTLS was answered ${said.code} ${said.text}`]),
        ...(next.code === 0 ? [] : [`and then came ${next.code} ${next.text}`]),
      ],
    }
  },
  expect: { told: 'nothing that was injected is run', arrivals: 0, signed: 0 },
}
