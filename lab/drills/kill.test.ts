import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CountingSink, startCountingSink } from './counting-sink.ts'
import { startLoad } from './load.ts'
import { type SmallWorld, createSmallWorld } from './small-world.ts'

let sink: CountingSink
let world: SmallWorld
beforeAll(async () => {
  sink = await startCountingSink()
  world = await createSmallWorld({ deliverToPort: sink.port })
}, 60_000)
afterAll(async () => {
  await world.close()
  await sink.close()
})

const connections = 8
/** The most that can be on its way to the sink at once, and so be sent again after a kill: delivery's own bound per destination. */
const mostInFlight = 40

test('kill -9 of each process in turn under load loses nothing that was accepted', async () => {
  const load = startLoad({ host: world.host, port: world.smtpPort, connections, most: 20_000, bodyBytes: 2000 })
  const kills = ['relay', 'signer', 'control', 'relay', 'supervisor', 'relay'] as const
  for (const name of kills) {
    await acceptsMore(load)
    const victim = world
      .product()
      .processes()
      .find((one) => one.name === name)
    expect(victim, `a ${name} process is alive`).toBeDefined()
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    if (name === 'supervisor') await world.restart()
  }
  await acceptsMore(load)
  await load.stop()

  const missing = (): readonly string[] => load.accepted.filter((recipient) => !sink.copies.has(recipient))
  const deadline = Date.now() + 60_000
  while (missing().length > 0 && Date.now() < deadline) await pause(100)
  expect(missing()).toEqual([])

  const copies = [...sink.copies.values()]
  const duplicates = copies.reduce((sum, count) => sum + count - 1, 0)
  expect(duplicates).toBeLessThanOrEqual(kills.length * mostInFlight)
  expect(sink.unsigned).toBe(0)
  // What came without a 250 was unanswered when a process died: taken, and rightly delivered.
  const unexplained = [...sink.copies.keys()].filter(
    (recipient) => !load.accepted.includes(recipient) && !load.unanswered.includes(recipient),
  )
  expect(unexplained).toEqual([])
}, 240_000)

/** Until the relay has accepted some more: it is back, and at work. */
async function acceptsMore(load: { readonly accepted: readonly string[] }): Promise<void> {
  const before = load.accepted.length
  const deadline = Date.now() + 40_000
  while (load.accepted.length < before + 150) {
    if (Date.now() > deadline)
      throw new Error(`the relay does not accept mail again:\n${world.product().log().slice(-3000)}`)
    await pause(20)
  }
}
