import { setTimeout as pause } from 'node:timers/promises'
import { fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A mailing without one-click unsubscribe',
  shows: 'obligations of bulk senders: RFC 8058',
  play: async (world, stage) => {
    const said = await fromHost(world, stage, plant, { more: 'List-Id: News <news.acme.example>\r\n' })
    const findings = async () =>
      ((await world.product.operations.customer('acme'))?.findings ?? []).filter(
        ({ rule, subject }) => rule === 'bulk-without-one-click' && subject === 'acme-plant',
      )
    const deadline = Date.now() + 10_000
    while ((await findings()).length === 0 && Date.now() < deadline) await pause(100)
    const [found] = await findings()
    const told = await world.product.cli('customers', 'show', 'acme')
    return {
      sent: 'a message with a List-Id and no List-Unsubscribe',
      said,
      wrong: [
        ...(found?.state === 'open' ? [] : ['there is no finding']),
        ...(told.out.includes('List-Unsubscribe-Post') ? [] : [`customers show says ${told.out}`]),
      ],
    }
  },
  expect: { signedFor: 'acme.example' },
}
