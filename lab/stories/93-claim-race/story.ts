import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { claimFor, domainRow, prove, publishKeysOf, tenantWith } from '../proving.ts'
import { provingWorld } from '../worlds.ts'

const domain = 'race.example'

export const story: Story = {
  title: 'A domain that two customers claim',
  shows: '3.1 Domain claimed by two customers: DNS proof, one owner per domain',
  world: provingWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    const send = (id: 'acme' | 'globex') =>
      throughExchangeOnline(world, stage, {
        tenant: tenantWith(id, domain),
        mailFrom: `ann@${id}.example`,
        from: `ann@${domain}`,
      })
    const mustBeUnproven = async (id: 'acme' | 'globex', when: string): Promise<void> => {
      const { text } = await send(id)
      if (!text.includes('[domain-unproven]')) wrong.push(`${when}: answered ${text}`)
    }
    const mustRefuseBoth = async (): Promise<void> => {
      const answer = await world
        .applyPolicy((policy) => {
          claimFor(policy, 'globex', domain)
          claimFor(policy, 'acme', domain)
        })
        .then(() => 'taken', String)
      if (!answer.includes(`${domain} is listed by customer acme already`))
        wrong.push(`a policy with both claims was answered ${answer}`)
    }

    await world.applyPolicy((policy) => claimFor(policy, 'globex', domain))
    await mustBeUnproven('globex', 'the claim alone')
    await mustRefuseBoth()

    await world.applyPolicy((policy) => claimFor(policy, 'acme', domain))
    const state = await prove(world, domain, 'acme')
    if (state !== 'proven') wrong.push(`the domain is ${state} with its token in DNS`)
    await publishKeysOf(world, domain)
    const said = await send('acme')

    await mustRefuseBoth()
    const refused = await domainRow(world, domain, 'globex')
    if (refused?.state !== 'refused') wrong.push('the refused claim is not in the list of domains')
    const held = await domainRow(world, domain, 'acme')
    if (held?.state !== 'proven' || held.trouble?.includes('globex') !== true) wrong.push('the owner is not told')
    const events = (await world.product.operations.domain(domain)).map((row) => row.events.map(({ kind }) => kind))
    if (events.filter((kinds) => kinds.includes('claim-refused')).length !== 2) wrong.push('not both have an event')

    await world.applyPolicy((policy) => claimFor(policy, 'globex', domain))
    await mustBeUnproven('globex', 'alone again, with the token of Acme in DNS')
    return { sent: `From ann@${domain}: Globex claims it first, Acme proves it`, said, wrong }
  },
  expect: { told: 'only the mail of who proved it is signed', arrivals: 1, signed: 1 },
}
