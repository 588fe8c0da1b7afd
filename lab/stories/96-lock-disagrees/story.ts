import { acme, globex } from '../../world/cast.ts'
import { claimFor, prove, publishKeysOf, tenantWith, until } from '../proving.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { provingWorld } from '../worlds.ts'

const domain = 'lock.example'
const name = `_anechoic.${domain}`
/** What the resolver may keep of the zone of the lab, and a little; in milliseconds. */
const untilForgotten = 1500

export const story: Story = {
  title: 'The owner’s lock in DNS names somebody else',
  shows: '3.1 idea worth taking: the allowlist in the owner’s DNS, and both must agree',
  world: provingWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    const send = () =>
      throughExchangeOnline(world, stage, { tenant: tenantWith('acme', domain), from: `ann@${domain}` })
    const publish = async (...records: string[]): Promise<void> => {
      if (records.length === 0) delete world.zone[name]
      else world.zone[name] = { TXT: records }
      await new Promise((resolve) => setTimeout(resolve, untilForgotten))
    }
    const mustRefuse = async (rule: string, when: string): Promise<void> => {
      const { text } = await send()
      if (!text.includes(`[${rule}]`)) wrong.push(`${when}: answered ${text}`)
    }
    await world.applyPolicy((policy) => claimFor(policy, 'acme', domain, { dnsLock: true }))
    await prove(world, domain, 'acme')
    world.zone[`_dmarc.${domain}`] = { TXT: ['v=DMARC1; p=reject'] }
    await publishKeysOf(world, domain)

    await mustRefuse('tenant-not-authorised', 'no record')
    await publish(`v=anechoic1; m365=${globex.id}/acme.example`)
    await mustRefuse('tenant-not-authorised', 'another tenant')
    await publish(`v=anechoic1; m365=${acme.id}/acme.example; classes=hybrid`)
    await mustRefuse('class-not-authorised', 'another class')
    await publish('v=anechoic1; m365=anybody')
    await mustRefuse('lookup-failed', 'a record that nobody can read')

    await publish(`v=anechoic1; note=ours`, `v=anechoic1; m365=${acme.id}/acme.example,${domain}; classes=hosted`)
    const said = await send()
    await world.arrivalsFor(stage.recipient, 1)
    world.receiver.deferEverything(true)
    await send()
    await publish()
    await mustRefuse('tenant-not-authorised', 'the record taken out')
    world.receiver.deferEverything(false)
    const held = async (): Promise<boolean> =>
      (await world.product.operations.queue({ domain })).some(
        ({ state, reason }) => state === 'held' && reason?.includes('DNS lock') === true,
      )
    if (!(await until(held, 40_000))) wrong.push('queued mail is not held')
    return { sent: `From ann@${domain}, under locks that do and do not name Acme's tenant`, said, wrong }
  },
  expect: { signedFor: domain },
}
