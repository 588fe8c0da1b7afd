import { setTimeout as pause } from 'node:timers/promises'
import { fromHost, plant, throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

/** A change of a list is live within a second. */
const liveMs = 1000

export const story: Story = {
  title: 'A recipient on the suppression list',
  shows: 'suppression: at RCPT, with the message, and not for ever',
  play: async (world, stage) => {
    const { operations } = world.product
    const gone = stage.address('gone')
    const wrong: string[] = []
    const request = { customer: 'acme', dryRun: false, by: 'the story' }
    await operations.addSuppressions({ ...request, entries: [{ address: gone, note: 'asked by phone' }] })
    await pause(liveMs)

    const refused = await fromHost(world, stage, plant, { recipients: [gone] })
    if (refused.code !== 550 || !refused.text.includes('[suppressed]'))
      wrong.push(`the plant heard ${refused.code} ${refused.text}`)
    const alone = await throughExchangeOnline(world, stage, { recipients: [gone] })
    if (alone.code !== 550 || !alone.text.includes('[suppressed]'))
      wrong.push(`alone through Exchange Online: ${alone.code} ${alone.text}`)
    const said = await throughExchangeOnline(world, stage, { recipients: [gone, stage.address('reader')] })
    await world.arrivalsFor(stage.address('reader'), 1)

    const listed = await world.product.cli('suppressions', 'list', '--customer', 'acme')
    if (!listed.out.includes(gone) || !listed.out.includes('asked by phone')) wrong.push(`the list says ${listed.out}`)
    await operations.removeSuppressions({ ...request, addresses: [gone], note: 'wrote to us again' })
    await pause(liveMs)
    const again = await fromHost(world, stage, plant, { recipients: [gone] })
    if (again.code !== 250) wrong.push(`taken off the list it was answered ${again.code} ${again.text}`)
    return { sent: 'mail to a recipient on the list, alone, with another, and after it was taken off', said, wrong }
  },
  expect: { told: 'the other recipient, and the one that was taken off', arrivals: 2, signed: 2 },
}
