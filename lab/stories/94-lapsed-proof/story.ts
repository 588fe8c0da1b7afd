import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { checkedState, claimFor, prove, publishKeysOf, tenantWith, until } from '../proving.ts'
import { provingWorld } from '../worlds.ts'

const domain = 'lapse.example'
const name = `_anechoic-challenge.${domain}`

export const story: Story = {
  title: 'The proving record is taken out of DNS',
  shows: '5.8 re-check, lapse => signing stops; 10 queued mail included',
  world: provingWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    const mustBe = async (wanted: string, when: string): Promise<void> => {
      const state = await checkedState(world, domain)
      if (state !== wanted) wrong.push(`${when}: ${state}, not ${wanted}`)
    }
    const send = () =>
      throughExchangeOnline(world, stage, {
        tenant: tenantWith('acme', domain),
        from: `ann@${domain}`,
      })
    await world.applyPolicy((policy) => claimFor(policy, 'acme', domain))
    await prove(world, domain, 'acme')
    await publishKeysOf(world, domain)

    world.zone[name] = { otherwise: 'SERVFAIL' }
    await mustBe('proven', 'a name server that fails')
    if ((await send()).code !== 250) wrong.push('trouble in DNS stopped mail')

    delete world.zone[name]
    await mustBe('lapsing', 'the record gone')
    const warned = await send()
    if (warned.code !== 250) wrong.push(`within the grace: answered ${warned.text}`)
    await world.arrivalsFor(stage.recipient, 2)
    world.receiver.deferEverything(true)
    const queued = await send()
    if (queued.code !== 250) wrong.push(`within the grace: answered ${queued.text}`)

    const lapsed = async (): Promise<boolean> => (await checkedState(world, domain)) === 'lapsed'
    if (!(await until(lapsed))) wrong.push('the proof never lapsed')
    const said = await send()
    world.receiver.deferEverything(false)
    const held = async (): Promise<boolean> =>
      (await world.product.operations.queue({ domain })).some(
        ({ state, reason }) => state === 'held' && reason?.includes('has lapsed') === true,
      )
    if (!(await until(held))) wrong.push('queued mail is not held')
    if (said.code !== 550 || !said.text.includes('[domain-unproven]')) wrong.push(`after the grace: ${said.text}`)

    await prove(world, domain, 'acme')
    await mustBe('proven', 'the record back')
    return { sent: `From ann@${domain} before, during and after the grace`, said, wrong }
  },
  expect: { told: 'signed until the grace is over, then refused and held', arrivals: 2, signed: 2 },
}
