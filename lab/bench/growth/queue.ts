import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCustody } from '../../../src/path/custody/index.ts'
import { dueIds } from '../../../src/path/custody/testing/due.ts'
import { exampleEntry, exampleEvent, exampleId, quietLog } from '../../../src/path/custody/testing/entries.ts'
import { type Effort, effortOf } from './effort.ts'
import type { PartFigures } from './figures.ts'

const bodyOctets = 10_240
/** Accepts in flight while the queue is filled, so that they share commits. */
const atOnce = 500

/** Opening a shard in which so many messages of 10 KB wait, and finding the first work. The bodies must not be read for it. */
export async function queue(messages: number): Promise<PartFigures> {
  const dataDir = mkdtempSync(join(tmpdir(), 'anechoic-growth-'))
  const options = { dataDir, shard: 0, log: quietLog, reserveBytes: 0 }
  const figures: { name: string; value: number; unit: 'ms' | 'MB' | 'count' }[] = []
  const note = <T>(name: string, { value, ...effort }: Effort<T>): T => {
    figures.push({ name: `${name}: CPU`, value: effort.cpuMs, unit: 'ms' })
    figures.push({ name: `${name}: wall`, value: effort.wallMs, unit: 'ms' })
    return value
  }
  try {
    await fillQueue(dataDir, messages, 1000)
    const before = octetsRead()
    const custody = note('open', await effortOf(() => openCustody(options)))
    const due = note('first 200 that are due', await effortOf(() => dueIds(custody, Date.now(), 200)))
    figures.push({ name: 'found due', value: due.length, unit: 'count' })
    note('when the next is due', await effortOf(() => custody.nextReady(Date.now())))
    figures.push({ name: 'read until then', value: (octetsRead() - before) / 1_048_576, unit: 'MB' })
    note('depth of the queue', await effortOf(() => custody.depth()))
    note('one message', await effortOf(() => custody.read(due[0] ?? exampleId(0))))
    note('settle one', await effortOf(() => custody.settle(due[0] ?? exampleId(0), [], [], [])))
    figures.push({ name: 'RSS', value: process.memoryUsage.rss() / 1_048_576, unit: 'MB' })
    await custody.close()
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
  return figures.map((figure) => ({ size: `${messages} queued`, ...figure }))
}

/** Stores so many messages that are due at `at`. */
export async function fillQueue(dataDir: string, messages: number, at: number): Promise<void> {
  const custody = await openCustody({ dataDir, shard: 0, log: quietLog, reserveBytes: 0 })
  const body = [Buffer.alloc(bodyOctets, `${'x'.repeat(78)}\r\n`)]
  for (let from = 0; from < messages; from += atOnce) {
    const count = Math.min(atOnce, messages - from)
    await Promise.all(
      Array.from({ length: count }, (_, place) => {
        const entry = exampleEntry(from + place, { at, bodySize: 0 })
        const whole = { ...entry, body, size: entry.header.length + 2 + bodyOctets }
        return custody.accept(whole, [exampleEvent(entry.id, 'decision', at)])
      }),
    )
  }
  await custody.close()
}

/** What this process and its threads have asked the system to read so far. */
function octetsRead(): number {
  return Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1] ?? 0)
}
