import { type ChildProcess, spawn } from 'node:child_process'
import type { Log } from '../platform/log.ts'
import type { ChildName, FromSupervisor, ToSupervisor } from './messages.ts'

const entry = new URL('./main.ts', import.meta.url).pathname

/** Past the drain (10 s): a child that was told to stop and is still there then is stuck. */
const killAfterMs = 11_000
/** The longest a dead child stays dead is one second, its own start included (contract section 1); the first restart is at once. */
const restartDelaysMs = [0, 100, 250, 500]
/** A child that lived this long was well: its next death starts the delays anew. */
const wellAfterMs = 10_000

export type KeptChildOptions = {
  readonly name: ChildName
  readonly log: Log
  readonly environment: NodeJS.ProcessEnv
  /** What a new process is told first. */
  readonly greeting: () => readonly FromSupervisor[]
  readonly hear: (message: ToSupervisor) => void
  /** It is gone, and nobody asked it to go. */
  readonly died: () => void
}

/** One child process, started again whenever it dies, until it is ended. */
export class KeptChild {
  readonly #options: KeptChildOptions
  #process: ChildProcess | null = null
  #startedAt = 0
  #deaths = 0
  #retry: NodeJS.Timeout | null = null
  #asked: 'nothing' | 'renew' | 'end' = 'nothing'
  #gone: PromiseWithResolvers<void> | null = null

  constructor(options: KeptChildOptions) {
    this.#options = options
  }

  start(): void {
    const { name, log, environment, greeting, hear } = this.#options
    this.#retry = null
    this.#asked = 'nothing'
    this.#startedAt = performance.now()
    const started = spawn(process.execPath, [entry, name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: environment,
    })
    this.#process = started
    started.on('message', (message) => hear(message as ToSupervisor))
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

  /** False when there is no process to tell. */
  tell(message: FromSupervisor): boolean {
    const to = this.#process
    if (to === null || !to.connected) return false
    to.send(message, () => {})
    return true
  }

  /** Asks it to finish what it does and starts it anew, with the greeting of that moment. */
  renew(): void {
    if (this.#asked !== 'nothing' || this.#retry !== null) return
    this.#asked = 'renew'
    this.#askToStop()
  }

  /** Asks it to finish what it does; resolves when it is gone for good. */
  end(): Promise<void> {
    const toldAlready = this.#asked !== 'nothing'
    this.#asked = 'end'
    if (this.#retry !== null) clearTimeout(this.#retry)
    if (this.#process === null) return Promise.resolve()
    this.#gone ??= Promise.withResolvers()
    if (!toldAlready) this.#askToStop()
    return this.#gone.promise
  }

  #askToStop(): void {
    const stopping = this.#process
    if (stopping === null) return
    this.tell({ kind: 'stop' })
    const timer = setTimeout(() => stopping.kill('SIGKILL'), killAfterMs)
    stopping.once('exit', () => clearTimeout(timer))
  }

  #bury(code: number | null, signal: NodeJS.Signals | null): void {
    this.#process = null
    switch (this.#asked) {
      case 'end':
        return this.#gone?.resolve()
      case 'renew':
        return this.start()
      case 'nothing':
        return this.#startAgain(code, signal)
      default:
        return this.#asked satisfies never
    }
  }

  #startAgain(code: number | null, signal: NodeJS.Signals | null): void {
    const { name, log, died } = this.#options
    if (performance.now() - this.#startedAt > wellAfterMs) this.#deaths = 0
    const delayMs = restartDelaysMs[Math.min(this.#deaths, restartDelaysMs.length - 1)] ?? 0
    this.#deaths += 1
    log.error('a process died and is started again', { name, code, signal, delayMs })
    this.#retry = setTimeout(() => this.start(), delayMs)
    died()
  }
}
