import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Custody } from '../custody.ts'
import { exampleEntry, exampleId, quietLog, fastDirectory } from '../testing/entries.ts'
import { openShard } from './open.ts'
import type { WriterMoment } from './writer.ts'

/** Every tenth body stands in a file of its own. */
const bodySizeOf = (number: number) => (number % 10 === 9 ? 1_100_000 : 3_000 + number)

/**
 * A process that takes messages into custody and settles every other one, and says on stdout what has been promised to it.
 * With a moment, its writer kills the process there in the given group.
 */
function startChild(
  directory: string,
  first: number,
  death: { moment: WriterMoment; group: number } | null,
): ChildProcess {
  const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const writer = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { runWriter } from ${here('./writer.ts')}
    let seen = 0
    runWriter(parentPort, workerData, (moment) => {
      if (moment === '${death?.moment}' && ++seen === ${death?.group}) process.kill(process.pid, 'SIGKILL')
    })`
  const program = `
    import { writeSync } from 'node:fs'
    const { openShard } = await import(${here('./open.ts')})
    const { exampleEntry, exampleEvent, exampleId, quietLog, fastDirectory } = await import(${here('../testing/entries.ts')})
    const say = (line) => writeSync(1, line + '\\n')
    const options = { dataDir: ${JSON.stringify(directory)}, shard: 1, log: quietLog, reserveBytes: 1 }
    const module = ${death === null ? 'undefined' : `new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(writer)}`)})`}
    const custody = await openShard(options, module)
    const bodySizeOf = ${bodySizeOf.toString()}
    let number = ${first}
    const work = async () => {
      for (;;) {
        const mine = number++
        const id = exampleId(mine)
        say('arriving ' + mine)
        await custody.accept(exampleEntry(mine, { bodySize: bodySizeOf(mine) }), [exampleEvent(id, 'decision')])
        say('accepted ' + mine)
        if (mine % 2 === 0) continue
        say('settling ' + mine)
        await custody.settle(id, [{ index: 0, kind: 'delivered', reply: '250 ok' }], [], [exampleEvent(id, 'delivered')])
        say('settled ' + mine)
      }
    }
    for (let n = 0; n < 8; n++) void work()`
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** What the children said, over all of their lives. */
class Promises {
  readonly said = {
    arriving: new Set<number>(),
    accepted: new Set<number>(),
    settling: new Set<number>(),
    settled: new Set<number>(),
  }

  listen(child: ChildProcess): Promise<void> {
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', (line) => {
      const [word, number] = line.split(' ') as [keyof Promises['said'], string]
      this.said[word].add(Number(number))
    })
    return once(lines, 'close').then(() => undefined)
  }

  next(): number {
    return Math.max(0, ...this.said.arriving) + 1
  }
}

describe('kill -9', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(fastDirectory, 'custody-kill-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))
  const open = () => openShard({ dataDir: directory, shard: 1, log: quietLog, reserveBytes: 1 })

  async function verify({ said }: Promises): Promise<Set<number>> {
    const custody = await open()
    const stored = await storedNumbers(custody)
    for (const number of said.accepted) if (!said.settling.has(number)) expect(stored).toContain(number)
    for (const number of said.settled) expect(stored).not.toContain(number)
    for (const number of stored) {
      expect(said.arriving).toContain(number)
      await expectIntact(custody, number)
    }
    await expectEvents(custody, said, stored)
    const files = readdirSync(join(directory, 'custody/1/bodies'))
    expect(files.length).toBe([...stored].filter((number) => bodySizeOf(number) > 1_048_576).length)
    await custody.close()
    return stored
  }

  test.each<[WriterMoment, number]>([
    ['begun', 1],
    ['begun', 12],
    ['written', 1],
    ['written', 12],
    ['committed', 1],
    ['committed', 12],
  ])('when a group is %s, the %d. time', async (moment, group) => {
    const promises = new Promises()
    const child = startChild(directory, 1, { moment, group })
    await promises.listen(child)
    expect(promises.said.arriving.size).toBeGreaterThan(0)
    const stored = await verify(promises)
    if (group === 1) expect(stored.size > 0).toBe(moment === 'committed')
  })

  test('at any moment, again and again, on one shard', async () => {
    const promises = new Promises()
    for (const delay of [0, 60, 150, 270, 400]) {
      const child = startChild(directory, promises.next(), null)
      const ended = promises.listen(child)
      await Promise.race([once(child.stdout!, 'data'), ended])
      setTimeout(() => child.kill('SIGKILL'), delay)
      await ended
      await verify(promises)
    }
    expect(promises.said.accepted.size).toBeGreaterThan(0)
  }, 90_000)
})

async function storedNumbers(custody: Custody): Promise<Set<number>> {
  const rows = await custody.list({}, null, 1_000_000)
  const numbers = rows.map((row) => Number(row.id))
  expect(new Set(numbers).size).toBe(numbers.length)
  return new Set(numbers)
}

async function expectIntact(custody: Custody, number: number): Promise<void> {
  const entry = exampleEntry(number, { bodySize: bodySizeOf(number) })
  const pieces: Buffer[] = []
  for await (const piece of custody.readBody(entry.id)) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(Buffer.concat(entry.body))).toBe(true)
  expect(await custody.read(entry.id)).toMatchObject({
    header: entry.header,
    permit: entry.permit,
    envelope: entry.envelope,
  })
}

/** One decision for whatever is or was stored, one delivery for whatever is gone, each number once. */
async function expectEvents(custody: Custody, said: Promises['said'], stored: ReadonlySet<number>): Promise<void> {
  const events = await custody.outboxAfter(0, 1_000_000)
  expect(new Set(events.map((event) => event.sequence)).size).toBe(events.length)
  const of = (kind: string) => events.filter((event) => event.kind === kind).map((event) => event.id)
  const decided = of('decision')
  const delivered = of('delivered')
  expect(new Set(decided).size).toBe(decided.length)
  expect(new Set(delivered).size).toBe(delivered.length)
  expect(delivered.filter((id) => stored.has(Number(id)))).toEqual([])
  expect(new Set(decided)).toEqual(new Set([...delivered, ...[...stored].map(exampleId)]))
  for (const number of said.accepted) expect(decided).toContain(exampleId(number))
  for (const number of said.settled) expect(delivered).toContain(exampleId(number))
}
