import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { prove, publishKeysOf, until } from '../proving.ts'
import { provingWorld } from '../worlds.ts'

const operator = 'relay.lab.example'

export const story: Story = {
  title: 'A report of ours, from a domain that the operator has proved',
  shows: 'honest mail: our own, signed as the operator',
  world: provingWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    await world.applyPolicy()
    const { operations } = world.product
    const early = (await operations.keys()).some((key) => key.domain === operator)
    if (early) wrong.push('there is a key for a domain that is not proven')
    const state = await prove(world, operator, null)
    if (state !== 'proven') wrong.push(`the operator's domain is ${state} with its token in DNS`)
    const made = async (): Promise<boolean> => (await operations.keys()).some((key) => key.domain === operator)
    if (!(await until(made))) wrong.push('no key was made')
    await publishKeysOf(world, operator)
    world.zone[`_dmarc.${operator}`] = { TXT: ['v=DMARC1; p=reject'] }
    return {
      sent: 'a message for a mailbox that the destination refuses',
      said: await throughExchangeOnline(world, stage, {
        mailFrom: stage.address('ann', 'acme.example'),
        recipients: [stage.address('refused')],
      }),
      wrong,
    }
  },
  expect: { signedFor: operator },
}
