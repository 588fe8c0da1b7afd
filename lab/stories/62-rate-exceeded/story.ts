import { throughExchangeOnline } from '../senders.ts'
import { acmeInStrictWorld, strictWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'More messages than the grant allows in an hour',
  shows: '5.12 rate limits; 1.2 bursts',
  world: strictWorld,
  play: async (world, stage) => {
    const mail = { tenant: acmeInStrictWorld, from: 'ann@busy.example' }
    const wrong: string[] = []
    for (let at = 1; at <= 3; at++) {
      const { code, text } = await throughExchangeOnline(world, stage, mail)
      if (code !== 250) wrong.push(`message ${at} was answered ${code} ${text}`)
    }
    const said = await throughExchangeOnline(world, stage, mail)
    if (said.code !== 451 || !said.text.includes('[rate-exceeded]'))
      wrong.push(`the fourth was answered ${said.code} ${said.text}`)
    return { sent: 'four messages under a grant of three an hour', said, wrong }
  },
  expect: { told: 'three are signed, the fourth is put off', arrivals: 3, signed: 3 },
}
