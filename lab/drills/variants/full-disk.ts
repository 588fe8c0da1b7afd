import { setTimeout as pause } from 'node:timers/promises'
import type { DrillOptions, NotHere, Report } from '../report.ts'
import { patienceMs, playVariant } from './scene.ts'
import { type SmallDisk, mountSmallDisk } from './small-disk.ts'

/** More than the reserve that custody keeps (256 MB), with room for the mail of the drill. */
const diskMegabytes = 384
const belowReserve = 150_000_000

/**
 * The disk fills while mail comes and waits: first below the reserve, then to the last octet. Mail is turned away with 452 before it is
 * accepted, what was accepted waits and is delivered, and with room back all goes on.
 */
export async function runFullDisk(options: DrillOptions): Promise<Report | NotHere> {
  const disk = mountSmallDisk(diskMegabytes)
  if (typeof disk === 'string') return { drill: 'full-disk', lacking: disk }
  try {
    return await playOn(disk, options)
  } finally {
    disk.unmount()
  }
}

function playOn(disk: SmallDisk, options: DrillOptions): Promise<Report> {
  return playVariant('full-disk', options, { directory: disk.directory }, async ({ receiver, load, expect, until }) => {
    const mail = load()
    receiver.mood = () => 'defer'
    await mail.acceptsMore(200, patienceMs)

    disk.leave(belowReserve)
    const refusals = (): number => mail.refused.get('452 [storage-full]') ?? 0
    await until('452 4.3.1 [storage-full] is answered', () => refusals() > options.connections)
    await pause(1000)
    const whenFull = mail.accepted.size
    receiver.mood = () => 'take'
    await until('what waited is delivered below the reserve', () => receiver.copies.size > 20)
    disk.leave(0)
    await pause(3000)
    expect(mail.accepted.size === whenFull, 'mail was accepted on a full disk')
    expect(
      [...mail.refused.keys()].every((words) => turnedAway.test(words)),
      `other refusals: ${JSON.stringify([...mail.refused])}`,
    )

    disk.clear()
    await mail.acceptsMore(50, patienceMs)
    await mail.stop()
    await until('all is delivered', () => [...mail.accepted.keys()].every((one) => receiver.copies.has(one)))
    // What was delivered while nothing could be written down was remembered until it could.
    expect(
      [...receiver.copies.values()].every((copies) => copies.length === 1),
      'messages came twice',
    )
    return { figures: { 'answers of 452 storage-full': refusals() } }
  })
}

/** 421 ends a session in which one MAIL after the other was turned away. */
const turnedAway = /^452 \[storage-full\]$|^421 4\.7\.0 /
