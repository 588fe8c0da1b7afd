import { Chance, seedOf } from '../../fuzz/chance.ts'
import type { DrillOptions, Report } from '../report.ts'
import { playVariant } from './scene.ts'

/** The receiver ends connections in the middle of the data and after the final dot: what it took without an answer comes again, once for each. */
export function runDroppingReceiver(options: DrillOptions): Promise<Report> {
  const chance = new Chance(seedOf(options.seed, 'drop'))
  return playVariant('dropping-receiver', options, {}, async ({ receiver, load, expect, until }) => {
    receiver.mood = () =>
      chance.happens(0.4) ? chance.pick(['drop-in-data', 'drop-after-dot', 'defer'] as const) : 'take'
    const mail = load()
    await mail.acceptsMore(400, 60_000)
    await mail.stop()
    await until('all is delivered', () => [...mail.accepted.keys()].every((one) => receiver.copies.has(one)))
    // Those that were taken and not answered are sent once more.
    receiver.mood = () => 'take'
    await until('each was answered', () =>
      [...receiver.copies.values()].every((copies) => copies.some((copy) => copy.answered)),
    )
    const { inData, afterDot } = receiver.dropped
    const duplicated = [...receiver.copies.values()].reduce((sum, copies) => sum + copies.length - 1, 0)
    expect(inData > 0 && afterDot > 0, 'the receiver dropped nothing')
    expect(duplicated <= afterDot, `${duplicated} duplicates of ${afterDot} deliveries without an answer`)
    const again = [...receiver.copies.values()].filter((copies) => copies.filter((copy) => copy.answered).length > 1)
    expect(again.length === 0, `${again.length} messages that were answered 250 came again`)
    return {
      figures: { 'dropped in the data': inData, 'dropped after the final dot': afterDot, deferred: receiver.deferred },
    }
  })
}
