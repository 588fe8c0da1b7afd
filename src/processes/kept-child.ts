import type { ChildProcess, SendHandle } from 'node:child_process'
import type { Log } from '../platform/log.ts'
import { spawnChild, stands } from './ahead.ts'
import type { ChildName, FromSupervisor, ToSupervisor } from './messages.ts'

/** Past the drain (10 s): a child that was told to stop and is still there then is stuck. */
const killAfterMs = 11_000
/** The longest a dead child stays dead is one second, its own start included (contract section 1); the first restart is at once. */
const restartDelaysMs = [0, 100, 250, 500]
/** A child that lived this long was well: its next death starts the delays anew. */
const wellAfterMs = 10_000

export type KeptChildOptions = {
  readonly name: ChildName
  readonly log: Log
  /** Spawned already; the first process is this one when it still stands. */
  readonly ahead: ChildProcess | null
  /** What a new process is told first. */
  readonly greeting: () => readonly FromSupervisor[]
  /** A socket that came with a message is given with it. */
  readonly hear: (message: ToSupervisor, socket: unknown) => void
  /** It is gone, and another follows. */
  readonly died: () => void
}

/** One child process, started again whenever it dies, until it is ended. */
export class KeptChild {
  readonly #options: KeptChildOptions
  #process: ChildProcess | null = null
  #ahead: ChildProcess | null
  #startedAt = 0
  #deaths = 0
  #retry: NodeJS.Timeout | null = null
  #toldToStop = false
  #kept = true
  #gone: PromiseWithResolvers<void> | null = null

  constructor(options: KeptChildOptions) {
    this.#options = options
    this.#ahead = options.ahead
  }

  start(): void {
    const { name, log, greeting, hear } = this.#options
    this.#retry = null
    this.#toldToStop = false
    this.#startedAt = performance.now()
    const ahead = this.#ahead
    this.#ahead = null
    const started = ahead !== null && stands(ahead) ? ahead : spawnChild(name === 'control' ? name : 'relay')
    this.#process = started
    started.on('message', (message, socket) => hear(message as ToSupervisor, socket))
    let over = false
    const bury = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (!over) this.#bury(code, signal)
      over = true
    }
    started.on('error', (error) => {
      log.error('a process could not be started or told', { name, error })
      if (started.pid === undefined) bury(null, null)
    })
    started.once('exit', bury)
    for (const message of greeting()) this.tell(message)
  }

  /** False when there is no process to tell. A socket that goes with the message stays open here too. */
  tell(message: FromSupervisor, socket?: SendHandle): boolean {
    const to = this.#process
    if (to === null || !to.connected) return false
    if (socket === undefined) to.send(message, () => {})
    else to.send(message, socket, { keepOpen: true }, () => {})
    return true
  }

  /** Asks it to finish what it does and starts it anew, with the greeting of that moment. */
  renew(): void {
    if (this.#process !== null) this.#askToStop(this.#process)
  }

  /** From now on its death is the end of it. */
  letGo(): void {
    this.#kept = false
    if (this.#retry !== null) clearTimeout(this.#retry)
  }

  /** Asks it to finish what it does; resolves when it is gone for good. */
  end(): Promise<void> {
    this.letGo()
    if (this.#process === null) return Promise.resolve()
    this.#askToStop(this.#process)
    this.#gone ??= Promise.withResolvers()
    return this.#gone.promise
  }

  #askToStop(running: ChildProcess): void {
    if (this.#toldToStop) return
    this.#toldToStop = true
    this.tell({ kind: 'stop' })
    const timer = setTimeout(() => running.kill('SIGKILL'), killAfterMs)
    running.once('exit', () => clearTimeout(timer))
  }

  #bury(code: number | null, signal: NodeJS.Signals | null): void {
    const { name, log, died } = this.#options
    this.#process = null
    if (!this.#kept) return this.#gone?.resolve()
    died()
    if (this.#toldToStop) return this.start()
    if (performance.now() - this.#startedAt > wellAfterMs) this.#deaths = 0
    const delayMs = restartDelaysMs[Math.min(this.#deaths, restartDelaysMs.length - 1)] ?? 0
    this.#deaths += 1
    log.error('a process died and is started again', { name, code, signal, delayMs })
    this.#retry = setTimeout(() => this.start(), delayMs)
  }
}
