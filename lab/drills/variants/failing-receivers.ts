import { setTimeout as pause } from 'node:timers/promises'
import { defaultDelivery } from '../../../src/path/delivery/settings.ts'
import { Chance, seedOf } from '../../fuzz/chance.ts'
import type { Receiver } from '../receiver.ts'
import type { DrillOptions, Report } from '../report.ts'
import { playVariant } from './scene.ts'

/**
 * The receiver takes, turns away, drops in the data and after the final dot, goes away and comes back, by chance, and the relay is killed
 * in between. A round for every two connections.
 */
export function runFailingReceivers(options: DrillOptions): Promise<Report> {
  const chance = new Chance(seedOf(options.seed, 'failing'))
  return playVariant('failing-receivers', options, {}, async ({ world, receiver, load, expect, until, say }) => {
    receiver.mood = () =>
      chance.happens(0.4) ? chance.pick(['drop-in-data', 'drop-after-dot', 'defer'] as const) : 'take'
    const mail = load({ restMs: 40 })
    await mail.acceptsMore(20, 60_000)
    const rounds = Math.ceil(options.connections / 2)
    const counts = { away: 0, kills: 0 }
    for (let round = 1; round <= rounds; round++) {
      receiver.isAway = chance.happens(0.4)
      if (receiver.isAway) counts.away += 1
      await pause(300 + chance.below(1500))
      if (chance.happens(0.5)) {
        const relay = world
          .product()
          .processes()
          .find(({ name }) => name === 'relay')
        if (relay !== undefined && relay.pid > 1) {
          process.kill(relay.pid, 'SIGKILL')
          receiver.nextLife()
          counts.kills += 1
        }
      }
      receiver.isAway = false
      await mail.acceptsMore(20, 60_000)
      say(`round ${round} of ${rounds}, ${mail.accepted.size} accepted`)
    }
    await mail.stop()
    receiver.mood = () => 'take'
    const expected = [...mail.accepted.keys()]
    await until('all is delivered', () => expected.every((one) => receiver.copies.has(one)), 180_000)
    await until(
      'each was answered',
      () => expected.every((one) => receiver.copies.get(one)?.some((copy) => copy.answered)),
      180_000,
    )
    const { unexplained, most } = repeats(receiver)
    expect(unexplained === 0, `${unexplained} messages came again that were answered 250 by a relay that lived on`)
    expect(most <= defaultDelivery.messages, `${most} messages came again after one kill`)
    const { inData, afterDot } = receiver.dropped
    return {
      figures: {
        kills: counts.kills,
        'times away': counts.away,
        'dropped in the data': inData,
        'dropped after the final dot': afterDot,
        deferred: receiver.deferred,
        'most duplicates of one kill': most,
      },
    }
  })
}

/** Copies that came although the one before was answered: by the death of the relay between the two, or by none. */
function repeats({ copies }: Receiver): { readonly unexplained: number; readonly most: number } {
  const byLife = new Map<number, number>()
  let unexplained = 0
  for (const all of copies.values()) {
    for (const [at, copy] of all.entries()) {
      const before = all[at - 1]
      if (before === undefined || !before.answered) continue
      if (before.life === copy.life) unexplained += 1
      else byLife.set(before.life, (byLife.get(before.life) ?? 0) + 1)
    }
  }
  return { unexplained, most: Math.max(0, ...byLife.values()) }
}
