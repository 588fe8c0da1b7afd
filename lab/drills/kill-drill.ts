import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { Chance, seedOf } from '../fuzz/chance.ts'
import { countDuplicates, duplicateFaults } from './duplicates.ts'
import { type Load, startLoad } from './load.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import type { DrillOptions, Report } from './report.ts'
import { type SmallWorld, createSmallWorld } from './small-world.ts'
import { takeStock } from './stock.ts'

export const victims = ['supervisor', 'control', 'relay', 'signer'] as const

export type Victim = (typeof victims)[number]

export type KillOptions = DrillOptions & {
  /** How many; each victim by chance unless `order` names them. */
  readonly kills: number
  readonly order?: readonly Victim[]
  /** Relay processes; 1 unless it is given. */
  readonly workers?: number
}

type Running = ReturnType<ReturnType<SmallWorld['product']>['processes']>[number]

const bodyBytes = 2000
/** A killed process is back and at work by then, on a slow machine too. */
const backWithinMs = 60_000
/** How long a whole instance that was killed may take to be gone: its children go when their pipe closes, which they see once they have loaded. */
const goneWithinMs = 30_000

/** Kills processes with SIGKILL at random moments under load, and counts what became of the messages. */
export async function runKillDrill(options: KillOptions): Promise<Report> {
  const receiver = await startReceiver(bodyBytes)
  const world = await createSmallWorld({
    deliverToPort: receiver.port,
    configuration: { workers: options.workers ?? 1 },
  }).catch(async (error: unknown) => {
    await receiver.close()
    throw error
  })
  try {
    const { smtpPort: port, host } = world
    const load = startLoad({ host, port, connections: options.connections, bodyBytes, restMs: 5 })
    const drill = new Killing(options, world, receiver, load)
    try {
      await drill.run()
    } finally {
      await load.stop()
    }
    const stock = await takeStock(load, receiver, world.product(), { withinMs: 120_000 })
    return drill.report(stock)
  } finally {
    await world.close()
    await receiver.close()
  }
}

class Killing {
  readonly #options: KillOptions
  readonly #world: SmallWorld
  readonly #receiver: Receiver
  readonly #load: Load
  readonly #chance: Chance
  readonly #backMs: number[] = []
  readonly #killed: Record<Victim, number> = { supervisor: 0, control: 0, relay: 0, signer: 0 }
  #left = 0
  #goneMs = 0

  constructor(options: KillOptions, world: SmallWorld, receiver: Receiver, load: Load) {
    this.#options = options
    this.#world = world
    this.#receiver = receiver
    this.#load = load
    this.#chance = new Chance(seedOf(options.seed, 'kill'))
  }

  async run(): Promise<void> {
    const { kills, order, say } = this.#options
    await this.#load.acceptsMore(50, backWithinMs)
    for (let number = 1; number <= kills; number++) {
      await this.#kill(order?.[number - 1] ?? this.#chance.pick(victims))
      // Now and then the next one comes while the last has not yet passed.
      if (number < kills && this.#chance.happens(0.25)) await pause(this.#chance.below(1500))
      else await this.#recovered()
      if (number % 10 === 0) say(`${number} of ${kills} kills, ${this.#load.accepted.size} accepted`)
    }
    await this.#load.acceptsMore(50, backWithinMs)
  }

  async #kill(wanted: Victim): Promise<void> {
    const alive = this.#world.product().processes()
    const named = alive.filter(({ name }) => name === wanted)
    const victim = named.length === 0 ? alive[0] : this.#chance.pick(named)
    if (victim === undefined) throw new Error('no process is alive')
    if (this.#chance.happens(0.5)) await this.#nextWrite()
    else await pause(this.#chance.below(400))
    signal(victim.pid)
    const name = victims.find((one) => one === victim.name)
    if (name !== undefined) this.#killed[name] += 1
    if (name === 'relay') this.#receiver.nextLife()
    if (name !== 'supervisor') return
    await this.#allGone(alive)
    await this.#world.restart()
  }

  /** Until the write-ahead log of custody has just been written to: what the kill then meets is on its way to the disk, or to its 250. */
  async #nextWrite(): Promise<void> {
    const file = join(this.#world.dataDir, 'custody/0/custody.db-wal')
    const written = (): bigint => statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n
    const before = written()
    const deadline = performance.now() + 300
    while (written() === before && performance.now() < deadline) await turn()
  }

  /** The supervisor is the ancestor of all: without it none of them may stay. The relay delivers until it has seen that; then its life ends. */
  async #allGone(orphans: readonly Running[]): Promise<void> {
    const killedAt = performance.now()
    const left = (): readonly number[] => orphans.map(({ pid }) => pid).filter(isAlive)
    const hasRelay = (): boolean => orphans.some(({ name, pid }) => name === 'relay' && isAlive(pid))
    while (hasRelay() && performance.now() < killedAt + goneWithinMs) await pause(5)
    this.#receiver.nextLife()
    while (left().length > 0 && performance.now() < killedAt + goneWithinMs) await pause(5)
    this.#goneMs = Math.max(this.#goneMs, performance.now() - killedAt)
    this.#left += left().length
    for (const pid of left()) signal(pid)
  }

  async #recovered(): Promise<void> {
    const killedAt = performance.now()
    await this.#load.acceptsMore(this.#options.connections, backWithinMs).catch((error: unknown) => {
      // Whoever has its port keeps it from coming back.
      const listening = spawnSync('ss', ['-ltnp', `sport = :${this.#world.smtpPort}`], { encoding: 'utf8' }).stdout
      throw new Error(`${String(error)}\n${listening}\n${this.#world.product().log().slice(-4000)}`)
    })
    this.#backMs.push(performance.now() - killedAt)
  }

  report({ tally, faults, storedUnheard }: Awaited<ReturnType<typeof takeStock>>): Report {
    const duplicates = countDuplicates(this.#receiver)
    const found = [...faults, ...duplicateFaults(duplicates)]
    if (this.#left > 0) found.push(`${this.#left} processes outlived their supervisor`)
    const back = this.#backMs.toSorted((a, b) => a - b)
    return {
      drill: 'kill',
      seed: this.#options.seed,
      tally,
      faults: found,
      figures: {
        kills: this.#options.kills,
        ...Object.fromEntries(victims.map((name) => [`killed ${name}`, this.#killed[name]])),
        'kills that caused duplicates': duplicates.deaths,
        'most duplicates of one kill': duplicates.most,
        'ms from a 250 to the kill that undid it, longest': Math.round(duplicates.longestMs),
        'ms until all of a killed instance were gone, longest': Math.round(this.#goneMs),
        'stored, but the 250 not heard': storedUnheard,
        'ms until accepting again, median': Math.round(back[Math.floor(back.length / 2)] ?? 0),
        'ms until accepting again, longest': Math.round(back.at(-1) ?? 0),
      },
    }
  }
}

function signal(pid: number): void {
  // 0 would be this whole process group.
  if (pid <= 1) throw new Error(`${pid} is no process of the drill`)
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It went by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A zombie has ended: that nobody has asked for its exit code says nothing of it. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}
