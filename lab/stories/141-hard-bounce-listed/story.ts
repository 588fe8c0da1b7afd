import { setTimeout as pause } from 'node:timers/promises'
import { fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A hard bounce is not sent a second time',
  shows: 'suppression: filled from the ledger',
  play: async (world, stage) => {
    const gone = stage.address('gone.refused')
    const wrong: string[] = []
    const first = await fromHost(world, stage, plant, { recipients: [gone] })
    if (first.code !== 250) wrong.push(`the first was answered ${first.code} ${first.text}`)
    const rowOf = async () => {
      const page = await world.product.operations.suppressions({
        customer: 'acme',
        after: null,
        limit: 1000,
        reason: 'hard-bounce',
      })
      return page?.items.find((row) => row.address === gone)
    }
    const deadline = Date.now() + 15_000
    while ((await rowOf()) === undefined && Date.now() < deadline) await pause(100)
    const row = await rowOf()
    if (row === undefined || row.author !== 'ledger' || !row.note.includes('there is no such mailbox'))
      wrong.push(`the list says ${JSON.stringify(row)}`)
    await pause(1000)
    const said = await fromHost(world, stage, plant, { recipients: [gone] })
    if (said.code !== 550 || !said.text.includes('[suppressed]')) wrong.push(`the second was answered ${said.text}`)
    return { sent: 'two messages to a mailbox that is not there', said, wrong }
  },
  expect: { told: 'the second is refused here', arrivals: 0, signed: 0 },
}
