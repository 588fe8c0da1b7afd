import type { QueueItem } from '../../../src/doors/operations/queue.ts'
import type { SmtpReply } from '../../world/smtp-client.ts'
import { throughExchangeOnline } from '../senders.ts'
import { customerOf, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

/** Whether it becomes so within eight seconds. */
async function until(itIs: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 8000
  while (!(await itIs())) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return true
}

export const story: Story = {
  title: 'A revoked grant stops mail that is queued already',
  shows: '10: a revoked grant stops within a second, queued mail included; 5.11 kill switch',
  world: strictWorld,
  play: async (world, stage) => {
    world.receiver.deferEverything(true)
    const wrong: string[] = []
    let said: SmtpReply = { code: 0, text: '' }
    for (let at = 0; at < 20; at++) {
      said = await throughExchangeOnline(world, stage, {})
      if (said.code !== 250) wrong.push(`message ${at} was answered ${said.code} ${said.text}`)
    }
    await until(() => Promise.resolve(world.receiver.deferrals() > 0))
    await world.applyPolicy((policy) => {
      const acme = customerOf(policy, 'acme')
      acme.grants = acme.grants.filter((grant) => grant['id'] !== 'acme-mail')
    })
    world.receiver.deferEverything(false)
    const held = async (): Promise<readonly QueueItem[]> =>
      (await world.product.operations.queue({ customer: 'acme' })).filter(
        ({ state, reason }) => state === 'held' && reason?.includes('no longer grants') === true,
      )
    if (!(await until(async () => (await held()).length === 20))) wrong.push(`${(await held()).length} of 20 are held`)
    return { sent: '20 messages that the destination puts off; the grant revoked before it takes them', said, wrong }
  },
  expect: { told: 'none is delivered, all are held', arrivals: 0, signed: 0 },
}
