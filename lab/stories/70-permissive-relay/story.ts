import { spammer } from '../../world/cast.ts'
import { startPermissiveRelay } from '../../world/permissive-relay.ts'
import { type Arrival, startReceiver } from '../../world/receiver.ts'
import type { World } from '../../world/world.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Stage, Story } from '../story.ts'

const attack = {
  tenant: spammer,
  mode: { kind: 'connector', host: '62.212.79.184', helo: 'jen19728669.onmicrosoft.com' },
  from: '"Acme Rewards" <offers@acme.example>',
  mailFrom: 'x@jen19728669.onmicrosoft.com',
  body: 'Your subscription ends today.\r\n',
} as const

/** What a receiver sees of the attack when the brand's relay trusts the addresses of Exchange Online. */
async function spoofThroughPermissiveRelay(world: World, stage: Stage): Promise<Arrival | undefined> {
  const receiver = await startReceiver({ zone: world.zone, name: 'mx.victim.example' })
  const permissive = await startPermissiveRelay({
    brand: 'acme.example',
    zone: world.zone,
    deliverTo: receiver.port,
  })
  try {
    const there = { ...world, relay: permissive.relay }
    await throughExchangeOnline(there, stage, { ...attack, twist: { plain: true } })
    const [arrival] = await receiver.waitFor(1)
    return arrival
  } finally {
    await permissive.close()
    await receiver.close()
  }
}

export const story: Story = {
  title: 'The same attack against a relay that trusts Microsoft’s addresses, and against Anechoic',
  shows: '3.1 EchoSpoofing: what the fault looks like from the receiver',
  play: async (world, stage) => {
    const spoof = await spoofThroughPermissiveRelay(world, stage)
    const passed =
      spoof?.dmarc === 'pass' && spoof.dkim.some((one) => one.domain === 'acme.example' && one.result === 'pass')
    return {
      sent: `From offers@acme.example, by the spammer’s tenant: a permissive relay signed it and the receiver said DMARC ${spoof?.dmarc ?? 'nothing'}; then the same to Anechoic`,
      said: await throughExchangeOnline(world, stage, attack),
      wrong: passed ? [] : ['the permissive relay was not spoofed, so this story shows nothing'],
    }
  },
  expect: { refused: 'tenant-not-authorised' },
}
