import { keyRecord } from '../../world/provider-signatures.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The key of a required signature cannot be looked up',
  shows: '5.13; DNS trouble where the answer matters is temporary',
  world: evidenceWorld,
  play: async (world, stage) => {
    const name = 'away._domainkey.dkim.example'
    world.zone[name] = { otherwise: 'TIMEOUT' }
    world.zone['away._domainkey.soft.example'] = { otherwise: 'TIMEOUT' }
    const send = (domain: string) =>
      throughExchangeOnline(world, stage, {
        tenant: acmeWithEvidence,
        from: `ann@${domain}`,
        signed: { dkim: [{ domain, selector: 'away' }] },
      })
    const first = await send('dkim.example')
    const preferred = await send('soft.example')
    world.zone[name] = { TXT: [keyRecord()] }
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const said = await send('dkim.example')
    const wrong: string[] = []
    if (first.code !== 451 || !first.text.includes('[lookup-failed]')) wrong.push(`first: ${first.code} ${first.text}`)
    if (preferred.code !== 250) wrong.push(`where it is preferred: ${preferred.code} ${preferred.text}`)
    if (said.code !== 250) wrong.push(`when the key was there: ${said.code} ${said.text}`)
    return { sent: 'From ann@dkim.example, whose key record gets no answer at first', said, wrong }
  },
  expect: { told: 'two are signed: the preferred one, and the required one later', arrivals: 2, signed: 2 },
}
