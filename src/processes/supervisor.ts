import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/index.ts'
import type { HeldLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import { type ExitCode, exitCodes } from '../standards/exit-codes.ts'
import type { Ahead } from './ahead.ts'
import { tryDataDirectory } from './data-directory.ts'
import { KeptChild } from './kept-child.ts'
import { removeLocalAccess } from './local-access.ts'
import { KeptSockets } from './kept-sockets.ts'
import {
  type ChildName,
  type FromSupervisor,
  type Passed,
  type RelayName,
  type ToSupervisor,
  relayNames,
  shardOf,
} from './messages.ts'
import { reloadOf } from './reload.ts'
import { readShaping } from './shaping-profiles.ts'
import { adoptedBy } from './shards.ts'
import type { Asked } from './signals.ts'
import { StartFailure } from './start-failure.ts'
import { patienceMs } from './waiting.ts'

export type SupervisorOptions = {
  readonly config: Config
  /** The children, spawned while the configuration was being read. */
  readonly ahead: Ahead
  readonly asked: Asked
  readonly log: Log
  /** A line for standard output. */
  readonly announce: (line: string) => void
  /** A line for whoever reads standard error. */
  readonly complain: (line: string) => void
  /** Reads the configuration file again; null when it does not hold, with the problems already told. */
  readonly reread: () => Config | null
}

/**
 * Starts the other processes, starts them again when they die, passes their messages on, and holds nothing itself.
 * Resolves to the exit code once everything is gone.
 */
export async function supervise(options: SupervisorOptions): Promise<ExitCode> {
  const { asked, config } = options
  const lock = await takeDataDirectory(config, asked.stop)
  if (lock === null) return exitCodes.fine
  removeLocalAccess(config)
  const supervision = new Supervision(options)
  asked.onReload(() => supervision.reload())
  void asked.stop.then(() => supervision.stop(exitCodes.fine))
  const code = await supervision.run()
  removeLocalAccess(config)
  lock.release()
  return code
}

/** Waits for a leaving instance; null when told to stop meanwhile. */
async function takeDataDirectory(config: Config, stopped: Promise<void>): Promise<HeldLock | null> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const lock = tryDataDirectory(config)
    if (lock !== null) return lock
    if (performance.now() >= deadline) {
      throw new StartFailure(
        `dataDir ${config.dataDir} is in use by another running instance: stop that one, or give this one another dataDir`,
      )
    }
    if (await Promise.race([pause(20, false), stopped.then(() => true)])) return null
  }
}

class Supervision {
  readonly #options: SupervisorOptions
  readonly #control: KeptChild
  readonly #relays = new Map<RelayName, KeptChild>()
  /** Relays that a changed configuration has no more, until they are gone. */
  readonly #leaving = new Set<Promise<void>>()
  readonly #sockets: KeptSockets
  readonly #ready = new Set<ChildName>()
  readonly #finished = Promise.withResolvers<ExitCode>()
  /** What each listener was given, so that a restarted child comes back where it was when the configuration lets it choose. */
  readonly #ports = new Map<string, number>()
  readonly #announcements: string[] = []
  /** What was said to the person already: several relays find the same wrong. */
  readonly #complaints = new Set<string>()
  /** Relays that have not yet said what they make of the changed configuration. */
  readonly #reloading = new Set<ChildName>()
  #config: Config
  /** What to go back to while a changed configuration has not proven itself. */
  #before: Config | null = null
  #problems = false
  #policyTaken = false
  #announced = false
  #reloadWanted = false
  #stopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#config = options.config
    this.#sockets = new KeptSockets((to, name, way, socket) => {
      this.#relays.get(to)?.tell({ kind: 'door', name, ...way }, socket)
    })
    this.#control = this.#child('control')
    for (const name of relayNames(options.config.workers)) this.#relays.set(name, this.#child(name))
  }

  run(): Promise<ExitCode> {
    if (!this.#stopping) for (const child of this.#children()) child.start()
    return this.#finished.promise
  }

  async stop(code: ExitCode): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    for (const child of this.#children()) child.letGo()
    this.#sockets.close()
    // The relays first: while they finish what is in the air, control can still be asked.
    await Promise.all([...this.#leaving, ...[...this.#relays.values()].map((relay) => relay.end())])
    await this.#control.end()
    this.#finished.resolve(code)
  }

  reload(): void {
    const { log, complain, reread } = this.#options
    if (this.#stopping) return
    this.#reloadWanted = !this.#announced || this.#before !== null
    if (this.#reloadWanted) return
    this.#complaints.clear()
    const next = reread()
    if (next === null) return log.error('the configuration has errors; the one in force stays')
    const way = reloadOf(this.#config, next)
    log.info('configuration read again', { taken: way.kind })
    switch (way.kind) {
      case 'refused':
        return complain(way.because)
      case 'live':
        this.#before = this.#config
        this.#config = next
        this.#problems = false
        for (const name of this.#relays.keys()) this.#reloading.add(name)
        for (const child of this.#children()) child.tell(this.#reloadMessage())
        return
      case 'renew':
        this.#before = this.#config
        this.#config = next
        this.#renew()
        return
      default:
        return way satisfies never
    }
  }

  /** New processes for all; relays that the configuration no longer has end, and those that it has now begin. */
  #renew(): void {
    this.#ready.clear()
    this.#sockets.keepFor(this.#config)
    const wanted = relayNames(this.#config.workers)
    for (const [name, relay] of this.#relays) {
      if (wanted.includes(name)) continue
      this.#relays.delete(name)
      const gone = relay.end()
      this.#leaving.add(gone)
      void gone.then(() => this.#leaving.delete(gone))
    }
    for (const child of this.#children()) child.renew()
    for (const name of wanted) {
      if (this.#relays.has(name)) continue
      const added = this.#child(name)
      this.#relays.set(name, added)
      added.start()
    }
  }

  #children(): readonly KeptChild[] {
    return [this.#control, ...this.#relays.values()]
  }

  #childNamed(name: ChildName): KeptChild | undefined {
    return name === 'control' ? this.#control : this.#relays.get(name)
  }

  #child(name: ChildName): KeptChild {
    const { log, ahead } = this.#options
    const child: KeptChild = new KeptChild({
      name,
      log,
      ahead: name === 'control' ? ahead.control : name === 'relay-0' && !this.#announced ? ahead.relay : null,
      greeting: () => {
        this.#ready.delete(name)
        const { dataDir, workers } = this.#config
        const adopted = name === 'control' ? [] : adoptedBy(shardOf(name), dataDir, workers)
        const config = this.#pinned()
        const shaping = readShaping(config.delivery.shaping)
        const begin = { kind: 'begin', name, adopted, config, shaping, firstStart: !this.#announced } as const
        return this.#policyTaken ? [begin, { kind: 'policy-taken' }] : [begin]
      },
      // One that is on its way out has nothing more to say.
      hear: (message, socket) => this.#childNamed(name) === child && this.#hear(name, message, socket),
      died: () => this.#died(name),
    })
    return child
  }

  #died(name: ChildName): void {
    if (name !== 'control') this.#sockets.left(name)
    for (const child of this.#children()) child.tell({ kind: 'away', name })
    if (this.#reloading.has(name)) this.#reloaded(name, [])
  }

  #hear(name: ChildName, message: ToSupervisor, socket: unknown): void {
    switch (message.kind) {
      case 'listening':
        return this.#noteListener(message)
      case 'door-wanted':
        return name === 'control' ? undefined : this.#sockets.wanted(name, message.name, this.#config)
      case 'door-opened':
        return name === 'control' ? undefined : this.#sockets.opened(name, message.name, message.port, socket)
      case 'policy-taken':
        this.#policyTaken = true
        for (const relay of this.#relays.values()) relay.tell(message)
        return
      case 'ready':
        this.#ready.add(name)
        return this.#allReady()
      case 'reloaded':
        return this.#reloaded(name, message.problems)
      case 'failed':
        return this.#failed(message.message, message.exitCode)
      case 'pass':
        return this.#pass({ ...message, from: name })
      default:
        return message satisfies never
    }
  }

  #noteListener({ what, name, address, port }: Extract<ToSupervisor, { readonly kind: 'listening' }>): void {
    this.#ports.set(`${what} ${name}`, port)
    const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    if (this.#announced) this.#options.log.info('listening', { what, name, place })
    else this.#announcements.push(`listening ${what} ${place}`)
  }

  #isReady(): boolean {
    return this.#ready.size > this.#relays.size
  }

  #allReady(): void {
    if (!this.#isReady()) return
    this.#before = null
    if (!this.#announced) {
      this.#announced = true
      // SMTP last: whoever waits for it finds everything else there.
      const lines = [...new Set(this.#announcements)].toSorted()
      for (const line of [...lines, 'ready']) this.#options.announce(line)
    }
    if (this.#reloadWanted) this.reload()
  }

  #reloadMessage(): Extract<FromSupervisor, { readonly kind: 'reload' }> {
    return { kind: 'reload', config: this.#pinned(), shaping: readShaping(this.#config.delivery.shaping) }
  }

  /** Once every relay has answered: a change that one of them cannot take up is taken back by all. */
  #reloaded(name: ChildName, problems: readonly string[]): void {
    for (const problem of problems) this.#complain(problem)
    if (!this.#reloading.delete(name) || this.#before === null || !this.#isReady()) return
    this.#problems ||= problems.length > 0
    if (this.#reloading.size > 0) return
    if (this.#problems) {
      this.#config = this.#before
      if (this.#relays.size > 1) for (const relay of this.#relays.values()) relay.tell(this.#reloadMessage())
    }
    this.#before = null
    if (this.#reloadWanted) this.reload()
  }

  #complain(words: string): void {
    if (!this.#complaints.has(words)) this.#options.complain(words)
    this.#complaints.add(words)
  }

  #failed(message: string, exitCode: ExitCode): void {
    this.#complain(message)
    if (this.#stopping) return
    if (!this.#announced) return void this.stop(exitCode)
    if (this.#before === null) return
    this.#options.log.error('the changed configuration does not work; the one before is in force again')
    this.#config = this.#before
    this.#before = null
    this.#renew()
  }

  /** A question to a child that is away is answered at once. */
  #pass(message: Passed): void {
    if (this.#childNamed(message.to)?.tell(message) === true || !('question' in message.body)) return
    const { body, from, to } = message
    const fault = `the ${to} process is away; it comes back by itself`
    this.#childNamed(from)?.tell({ kind: 'pass', from: to, to: from, body: { answer: body.question, fault } })
  }

  #pinned(): Config {
    const port = (place: string, configured: number): number =>
      configured === 0 ? (this.#ports.get(place) ?? 0) : configured
    const { control, listeners } = this.#config
    return {
      ...this.#config,
      control: { ...control, port: port('http control', control.port) },
      listeners: listeners.map((one) => ({ ...one, port: port(`smtp ${one.name}`, one.port) })),
    }
  }
}
