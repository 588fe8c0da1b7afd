import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DrillOptions, NotHere, Report } from '../report.ts'
import { type Played, type Scene, patienceMs, playVariant } from './scene.ts'

/**
 * The clock of the product jumps by an hour, forward and back, while mail comes, waits, is held and is delivered, and while it is started
 * again. Only the wall clock is faked, by libfaketime: timers go on.
 */
export async function runClockJump(options: DrillOptions): Promise<Report | NotHere> {
  const library = findLibrary()
  if (library === null)
    return { drill: 'clock-jump', lacking: 'libfaketime is missing (Debian: apt-get install faketime)' }
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-clock-'))
  const clock = new FakeClock(join(directory, 'offset'))
  const key = join(directory, 'wrapping.key')
  writeFileSync(key, randomBytes(32).toString('base64'), { mode: 0o600 })
  const world = {
    // The signer gets no environment but for a command, and it must see the same clock as the others.
    configuration: { keys: { wrapping: `command:cat ${key}` } },
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock.file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
      FAKETIME_NO_CACHE: '1',
    },
  }
  try {
    return await playVariant('clock-jump', options, world, (scene) => play(scene, clock))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const jumps = [
  ['+1 h', 1],
  ['-1 h', 0],
  ['-1 h again', -1],
  ['+1 h again', 0],
] as const

async function play(scene: Scene, clock: FakeClock): Promise<Played> {
  const { world, receiver, load, expect, until, say } = scene
  const mail = load({ restMs: 50 })
  const figures: { [name: string]: number } = {}
  receiver.mood = () => 'defer'
  await mail.acceptsMore(10, patienceMs)
  const [recipient, id] = [...mail.accepted][0] ?? ['', '']
  const hold = { verb: 'hold', reason: 'the drill' } as const
  const heldNow = await world.product().operations.actOnMessage({ id, action: hold, by: 'lab' })
  expect(heldNow.done, 'a message can not be held')
  const allDelivered = (): boolean =>
    [...mail.accepted.keys()].every((one) => one === recipient || receiver.copies.has(one))

  for (const [name, hours] of jumps) {
    // Some wait for their retry, some are on their way, and some come after the jump.
    receiver.mood = () => 'defer'
    await mail.acceptsMore(20, patienceMs)
    clock.set(hours)
    await mail.acceptsMore(20, patienceMs)
    receiver.mood = () => 'take'
    const before = new Set(mail.accepted.keys())
    const began = performance.now()
    await until(`what was accepted before ${name} is delivered`, () =>
      [...before].every((one) => one === recipient || receiver.copies.has(one)),
    )
    figures[`ms until delivered, ${name}`] = Math.round(performance.now() - began)
    say(`${name}: delivered after ${figures[`ms until delivered, ${name}`]} ms`)
  }
  for (const hours of [1, 0]) {
    await world.product().stop()
    clock.set(hours)
    await world.restart()
    await mail.acceptsMore(20, patienceMs)
  }
  await mail.stop()
  await until('all but the held message is delivered', allDelivered)
  expect(!receiver.copies.has(recipient), 'the held message was sent')
  const { operations } = world.product()
  const held = (await operations.queue({})).some((item) => item.id === id && item.state === 'held')
  expect(held, 'the hold did not survive')
  const released = await operations.actOnMessage({ id, action: { verb: 'release' }, by: 'lab' })
  expect(released.done, 'the held message can not be released')
  await until('the released message is delivered', () => receiver.copies.has(recipient))
  expect(
    [...mail.refused.keys()].every((words) => words.startsWith('421')),
    `refused: ${JSON.stringify([...mail.refused])}`,
  )
  expect(
    [...receiver.copies.values()].every((copies) => copies.length === 1),
    'messages came twice',
  )
  return { figures }
}

class FakeClock {
  readonly file: string

  constructor(file: string) {
    this.file = file
    this.set(0)
  }

  /** How many hours the product's clock is ahead. Renamed into place: nobody reads half of it. */
  set(hours: number): void {
    writeFileSync(`${this.file}.new`, `${hours < 0 ? '-' : '+'}${Math.abs(hours)}h\n`)
    renameSync(`${this.file}.new`, this.file)
  }
}

function findLibrary(): string | null {
  const folders = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime'))
    : []
  const found = folders.map((folder) => join(folder, 'libfaketimeMT.so.1')).find((file) => existsSync(file))
  return found ?? null
}
