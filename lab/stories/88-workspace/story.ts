import { throughGoogle } from '../senders.ts'
import { evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Acme’s Google Workspace sends what Acme’s key has signed',
  shows: '2.6: accept only with the domain’s own DKIM',
  world: evidenceWorld,
  play: async (world, stage) => {
    const clear = await throughGoogle(world, stage, { tls: null, workspace: null })
    const said = await throughGoogle(world, stage)
    const seen = await world.product.operations.seen({ customer: 'acme' })
    const wrong = clear.code === 250 ? [] : [`in clear, without X-Relaying-Domain: ${clear.code} ${clear.text}`]
    if (!seen.some(({ kind, tenant }) => kind === 'google' && tenant === 'acme.example'))
      wrong.push('the Workspace was not seen')
    return { sent: 'From ann@acme.example through Google, signed by acme.example', said, wrong }
  },
  expect: { signedFor: 'acme.example', arrivals: 2 },
}
