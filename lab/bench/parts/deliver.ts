import { setTimeout as pause } from 'node:timers/promises'
import { defaultDelivery } from '../../../src/path/delivery/index.ts'
import { openHouse, openWorkshop } from '../../houses/delivery.ts'
import { freePort } from '../../world/free-port.ts'
import { messageOctets, startSink } from '../load.ts'
import { type Part, bodyOf, concurrently, measured } from './part.ts'

/**
 * Custody, signer and delivery without ingress and ledger: each message is stored, signed, sent to a sink and settled. The time of
 * one message is that until it was stored.
 */
export const deliver: Part = async ({ messages, connections }) => {
  const workshop = await openWorkshop()
  const sink = await startSink(await freePort())
  const { routes: _none, ...rest } = defaultDelivery
  const house = await openHouse(workshop, {
    settings: { ...rest, routes: [{ domain: '*', host: '127.0.0.1', port: sink.port, tls: 'opportunistic' }] },
  })
  house.world.activeKeys = [0]
  const body = bodyOf(messageOctets)
  let sent = 0
  const run = async (count: number): Promise<readonly number[]> => {
    sent += count
    // Delivery is kept busy, and no more than that: what waits in memory is not its cost.
    const times = await concurrently(count, connections * 2, async (number) => {
      if (number % 50 === 0) while (sent - count + number - sink.taken() > 1000) await pause(5)
      await house.mail({ body: [body] })
    })
    while (sink.taken() < sent) await pause(5)
    return times
  }
  try {
    await run(Math.ceil(messages / 4))
    return await measured(messages, [workshop.signer.pid ?? 0], () => run(messages))
  } finally {
    await house.close()
    await workshop.close()
    await sink.stop()
  }
}
