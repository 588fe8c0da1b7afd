import Database from 'better-sqlite3'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrillOptions, Report } from '../report.ts'
import { playVariant } from './scene.ts'

/**
 * While the product is stopped, first the whole database of the queue is made unreadable: the start says so, touches nothing, and all
 * is there once the file is. Then the octets of one message are damaged: it is set aside and told, and the others are delivered.
 */
export function runDamagedDatabase(options: DrillOptions): Promise<Report> {
  return playVariant('damaged-database', options, {}, async ({ world, receiver, load, expect, until }) => {
    const file = join(world.dataDir, 'custody/0/custody.db')
    receiver.mood = () => 'defer'
    const mail = load()
    await mail.acceptsMore(60, 60_000)
    await mail.stop()
    await world.product().stop()
    // Other processes may have read until the end, and then the write-ahead log is left for the next start.
    const database = new Database(file)
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()

    const whole = readFileSync(file)
    writeFileSync(file, Buffer.concat([Buffer.alloc(100, 'x'), whole.subarray(100)]))
    const unreadable = readFileSync(file)
    const told = await world.restart().then(
      () => 'it started',
      (error: unknown) => String(error),
    )
    expect(/custody\.db|custody/.test(told) && !told.includes('it started'), `an unreadable queue is told so: ${told}`)
    expect(readFileSync(file).equals(unreadable), 'the unreadable database was changed')

    const victim = [...mail.accepted][7]
    if (victim === undefined) throw new Error('there is no message to damage')
    const [recipient, id] = victim
    writeFileSync(file, damaged(whole, recipient))
    receiver.mood = () => 'take'
    await world.restart()
    const others = [...mail.accepted.keys()].filter((one) => one !== recipient)
    await until('the others are delivered', () => others.every((one) => receiver.copies.has(one)))
    await until('the damaged message alone is left in the queue', async () => {
      const queued = await world.product().operations.queue({})
      return queued.length === 1 && queued[0]?.id === id && queued[0].state === 'damaged'
    })
    expect(world.product().log().includes(id), 'the log does not name the damaged message')
    const story = await world.product().operations.why(id, { replay: false })
    expect(story?.events.some((event) => event.kind === 'damaged') ?? false, 'its story does not tell the damage')
    return { staysQueued: 1 }
  })
}

/** The database with some octets changed in the body of the message to this recipient, which names it in every line. */
function damaged(whole: Buffer, recipient: string): Buffer {
  const lines = Buffer.from(`\r\n${recipient} ${recipient} `)
  const at = whole.indexOf(lines)
  if (at === -1) throw new Error(`the body of the message to ${recipient} is not in the database`)
  return Buffer.concat([whole.subarray(0, at + 4), Buffer.from('XXXX'), whole.subarray(at + 8)])
}
