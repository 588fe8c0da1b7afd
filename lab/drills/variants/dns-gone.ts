import { setTimeout as pause } from 'node:timers/promises'
import type { Zone } from '../../world/zone.ts'
import type { DrillOptions, Report } from '../report.ts'
import { retryEverySecond } from '../small-world.ts'
import { playVariant } from './scene.ts'

/** Mail is delivered by MX while the name server falls silent, fails, and comes back: mail goes on to be accepted and waits. */
export function runDnsGone(options: DrillOptions): Promise<Report> {
  const byMx = (port: number) => ({ configuration: { delivery: { routes: [], port, retry: retryEverySecond() } } })
  return playVariant('dns-gone', options, byMx, async ({ world, receiver, load, expect, until }) => {
    const { zone } = world
    const names: Zone = {
      'dest.example': { MX: [{ preference: 10, exchange: 'mx.dest.example' }] },
      'mx.dest.example': { A: ['127.0.0.1'] },
    }
    Object.assign(zone, names)
    const mail = load({ restMs: 50 })
    await until('mail is delivered by MX', () => receiver.copies.size > 30)

    const all = { ...zone }
    for (const otherwise of ['TIMEOUT', 'SERVFAIL'] as const) {
      for (const name of Object.keys(zone)) zone[name] = { otherwise }
      await pause(1500)
      const [accepted, delivered] = [mail.accepted.size, receiver.copies.size]
      await mail.acceptsMore(30, 30_000)
      const applied = await world.product().cli('apply', world.policyFile)
      expect(applied.code === 0, `the policy can not be applied: ${applied.err}`)
      expect(receiver.copies.size === delivered, `${receiver.copies.size - delivered} were delivered without names`)
      expect(mail.accepted.size >= accepted + 30, 'mail is not accepted without names')
    }
    await mail.stop()
    Object.assign(zone, all)
    await until('all is delivered', () => [...mail.accepted.keys()].every((one) => receiver.copies.has(one)))
    expect(mail.refused.size === 0, `refused: ${JSON.stringify([...mail.refused])}`)
    return {}
  })
}
