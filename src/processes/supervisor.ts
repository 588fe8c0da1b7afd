import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { LockHeldError, holdLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import type { ChildName, FromSupervisor, ToSupervisor } from './messages.ts'

const entry = new URL('./main.ts', import.meta.url).pathname

/** How long a start waits for a leaving instance, and a stop for mail in the air (contract section 1). */
const patienceMs = 10_000
/** Past the drain: a child that is still there then is stuck. */
const killAfterMs = 11_000
/** The longest a dead child stays dead is one second (contract section 1); the first restart is at once. */
const restartDelaysMs = [20, 100, 250, 500, 800]
/** A child that lived this long was well: its next death starts the delays anew. */
const wellAfterMs = 10_000

type Child = {
  readonly name: ChildName
  process: ChildProcess | null
  startedAt: number
  deaths: number
  ready: boolean
}

export type SupervisorOptions = {
  readonly config: Config
  readonly log: Log
  readonly announce: (line: string) => void
  /** Reads the configuration file again; null when it does not hold, with the problems already told. */
  readonly reread: () => Config | null
}

/**
 * Starts the other processes, starts them again when they die, passes their messages on, and holds nothing itself.
 * Resolves to the exit code once everything is gone.
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { log, announce } = options
  let { config } = options
  const lock = await holdLock(dataDirectoryLock(config), patienceMs).catch((error: unknown) => {
    if (!(error instanceof LockHeldError)) throw error
    return null
  })
  if (lock === null) {
    process.stderr.write(
      `${config.dataDir} is in use by another running instance: stop it, or give this one another dataDir\n`,
    )
    return 2
  }

  const children: Record<ChildName, Child> = { control: absent('control'), relay: absent('relay') }
  const listening: { http: string[]; smtp: string[] } = { http: [], smtp: [] }
  let announced = false
  let stopping = false
  let finish: (code: number) => void = () => {}
  const finished = new Promise<number>((resolve) => {
    finish = resolve
  })

  const tell = (name: ChildName, message: FromSupervisor): void => {
    const child = children[name].process
    if (child?.connected === true) child.send(message, () => {})
  }

  const start = (name: ChildName): void => {
    const child = children[name]
    const spawned = spawn(process.execPath, [entry, name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    Object.assign(child, { process: spawned, startedAt: performance.now(), ready: false })
    spawned.on('message', (message) => hear(child, message as ToSupervisor))
    spawned.on('error', (error) => log.error('a process could not be started', { name, error }))
    spawned.once('exit', (code, signal) => buried(child, code, signal))
    tell(name, { kind: 'begin', config })
  }

  const hear = (child: Child, message: ToSupervisor): void => {
    switch (message.kind) {
      case 'listening': {
        if (!announced)
          listening[message.what].push(`listening ${message.what} ${hostPort(message.address, message.port)}`)
        return
      }
      case 'ready': {
        child.ready = true
        if (announced || !children.control.ready || !children.relay.ready) return
        announced = true
        for (const line of [...listening.http, ...listening.smtp, 'ready']) announce(line)
        return
      }
      case 'failed': {
        process.stderr.write(`${message.message}\n`)
        if (!announced && !stopping) void stop(message.exitCode)
        return
      }
      case 'pass':
        return tell(message.to, message)
      default:
        return message satisfies never
    }
  }

  const buried = (child: Child, code: number | null, signal: NodeJS.Signals | null): void => {
    child.process = null
    if (stopping) return
    if (performance.now() - child.startedAt > wellAfterMs) child.deaths = 0
    const delay = restartDelaysMs[Math.min(child.deaths, restartDelaysMs.length - 1)] ?? 0
    child.deaths += 1
    log.error('a process died and is started again', { name: child.name, code, signal, delay })
    setTimeout(() => {
      if (!stopping) start(child.name)
    }, delay)
  }

  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    // The relay first: what it has in the air may still need control's eyes, never the other way round.
    await stopChild(children.relay, tell)
    await stopChild(children.control, tell)
    lock.release()
    finish(code)
  }

  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  process.on('SIGHUP', () => {
    const next = options.reread()
    if (next === null) return
    if (next.dataDir !== config.dataDir) {
      log.error('dataDir can not change while running: the old configuration stays', {
        from: config.dataDir,
        to: next.dataDir,
      })
      return
    }
    const changed = JSON.stringify(next) !== JSON.stringify(config)
    config = next
    log.info('configuration read again', { changed })
    if (!changed) return tell('control', { kind: 'reload-policy' })
    // A child reads its configuration once: a changed one is taken up by a gentle restart, which drains first.
    for (const name of ['relay', 'control'] as const) tell(name, { kind: 'stop' })
  })
  // The boot process that spawned us on an older Node.js is gone: nobody could stop us any more.
  process.on('disconnect', () => void stop(0))

  start('control')
  start('relay')
  return finished
}

export function dataDirectoryLock(config: Config): string {
  return join(config.dataDir, 'run', 'owner.lock')
}

function absent(name: ChildName): Child {
  return { name, process: null, startedAt: 0, deaths: 0, ready: false }
}

function stopChild(child: Child, tell: (name: ChildName, message: FromSupervisor) => void): Promise<void> {
  const running = child.process
  if (running === null || running.exitCode !== null || running.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => running.kill('SIGKILL'), killAfterMs)
    running.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    tell(child.name, { kind: 'stop' })
  })
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
