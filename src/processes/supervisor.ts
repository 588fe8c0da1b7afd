import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/index.ts'
import type { HeldLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import { type ExitCode, exitCodes } from '../standards/exit-codes.ts'
import type { Ahead } from './ahead.ts'
import { tryDataDirectory } from './data-directory.ts'
import { KeptChild } from './kept-child.ts'
import { removeLocalAccess } from './local-access.ts'
import type { ChildName, FromSupervisor, Passed, ToSupervisor } from './messages.ts'
import { reloadOf } from './reload.ts'
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
  readonly #children: Readonly<Record<ChildName, KeptChild>>
  readonly #ready = new Set<ChildName>()
  readonly #finished = Promise.withResolvers<ExitCode>()
  /** What each listener was given, so that a restarted child comes back where it was when the configuration lets it choose. */
  readonly #ports = new Map<string, number>()
  readonly #announcements: string[] = []
  #config: Config
  /** What to go back to while a changed configuration has not proven itself. */
  #before: Config | null = null
  #policyTaken = false
  #announced = false
  #reloadWanted = false
  #stopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#config = options.config
    this.#children = { control: this.#child('control'), relay: this.#child('relay') }
  }

  run(): Promise<ExitCode> {
    if (!this.#stopping) for (const child of [this.#children.control, this.#children.relay]) child.start()
    return this.#finished.promise
  }

  async stop(code: ExitCode): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    for (const child of Object.values(this.#children)) child.letGo()
    // The relay first: while it finishes what is in the air, control can still be asked.
    await this.#children.relay.end()
    await this.#children.control.end()
    this.#finished.resolve(code)
  }

  reload(): void {
    const { log, complain, reread } = this.#options
    if (this.#stopping) return
    this.#reloadWanted = !this.#announced || this.#before !== null
    if (this.#reloadWanted) return
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
        for (const child of Object.values(this.#children)) child.tell({ kind: 'reload', config: this.#pinned() })
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

  #renew(): void {
    this.#ready.clear()
    for (const child of Object.values(this.#children)) child.renew()
  }

  #child(name: ChildName): KeptChild {
    return new KeptChild({
      name,
      log: this.#options.log,
      ahead: this.#options.ahead[name],
      greeting: () => {
        this.#ready.delete(name)
        const begin = { kind: 'begin', config: this.#pinned(), firstStart: !this.#announced } as const
        return this.#policyTaken ? [begin, { kind: 'policy-taken' }] : [begin]
      },
      hear: (message) => this.#hear(name, message),
      died: () => this.#children[other(name)].tell({ kind: 'away', name }),
    })
  }

  #hear(name: ChildName, message: ToSupervisor): void {
    switch (message.kind) {
      case 'listening':
        return this.#noteListener(message)
      case 'policy-taken':
        this.#policyTaken = true
        return void this.#children.relay.tell(message)
      case 'ready':
        this.#ready.add(name)
        return this.#allReady()
      case 'reloaded':
        return this.#reloaded(name, message.problems)
      case 'failed':
        return this.#failed(message.message, message.exitCode)
      case 'pass':
        return this.#pass(message, name)
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

  #allReady(): void {
    if (this.#ready.size < 2) return
    this.#before = null
    if (!this.#announced) {
      this.#announced = true
      // SMTP last: whoever waits for it finds everything else there.
      const lines = [...new Set(this.#announcements)].toSorted()
      for (const line of [...lines, 'ready']) this.#options.announce(line)
    }
    if (this.#reloadWanted) this.reload()
  }

  #reloaded(name: ChildName, problems: readonly string[]): void {
    for (const problem of problems) this.#options.complain(problem)
    if (name !== 'relay' || this.#before === null || this.#ready.size < 2) return
    if (problems.length > 0) this.#config = this.#before
    this.#before = null
    if (this.#reloadWanted) this.reload()
  }

  #failed(message: string, exitCode: ExitCode): void {
    this.#options.complain(message)
    if (this.#stopping) return
    if (!this.#announced) return void this.stop(exitCode)
    if (this.#before === null) return
    this.#options.log.error('the changed configuration does not work; the one before is in force again')
    this.#config = this.#before
    this.#before = null
    this.#renew()
  }

  /** A question to a child that is away is answered at once. */
  #pass(message: Passed, from: ChildName): void {
    const reply: FromSupervisor | null =
      'question' in message.body
        ? {
            kind: 'pass',
            to: from,
            body: {
              answer: message.body.question,
              fault: `the ${message.to} process is away; it comes back by itself`,
            },
          }
        : null
    if (!this.#children[message.to].tell(message) && reply !== null) this.#children[from].tell(reply)
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

function other(name: ChildName): ChildName {
  return name === 'control' ? 'relay' : 'control'
}
