import { onPrem } from '../../world/cast.ts'
import { sealedResults } from '../../world/provider-signatures.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Microsoft’s seal names a sending host and the stamps a mailbox',
  shows: '5.13: A with the results of D',
  world: evidenceWorld,
  play: async (world, stage) => {
    const send = (host: string, mode: Parameters<typeof throughExchangeOnline>[2]['mode']) =>
      throughExchangeOnline(world, stage, {
        tenant: acmeWithEvidence,
        from: 'ann@soft.example',
        signed: { arc: [{ results: sealedResults.bySmtp('soft.example', host) }] },
        ...(mode === undefined ? {} : { mode }),
      })
    const wrong: string[] = []
    const mailbox = await send('62.212.79.184', undefined)
    if (!mailbox.text.includes('[evidence-conflict]')) wrong.push(`as a mailbox: ${mailbox.code} ${mailbox.text}`)
    const other = await send('62.212.79.184', { kind: 'on-prem', host: onPrem.listed, helo: onPrem.helo })
    if (!other.text.includes('[evidence-conflict]')) wrong.push(`with another host: ${other.code} ${other.text}`)
    const said = await send(onPrem.listed, { kind: 'on-prem', host: onPrem.listed, helo: onPrem.helo })
    return { sent: 'the same message as a mailbox’s, and as the listed on-premises server’s', said, wrong }
  },
  expect: { signedFor: 'soft.example' },
}
