import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { processTable } from '../world/process-table.ts'
import { endingWithUs } from '../world/product.ts'

export const entry = new URL('../../bin/anechoic', import.meta.url).pathname

/** One `anechoic start`, at the head of a process group of its own, so that a test can do to it what a terminal does. */
export type Instance = {
  readonly pid: number
  /** What it wrote so far. */
  readonly said: { out: string; err: string }
  /** Its exit code, once it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** Resolves when it has printed `ready`; rejects when it ends before. */
  readonly ready: Promise<void>
  port(what: 'http' | 'smtp'): number
  signal(signal: NodeJS.Signals): void
  /** To the whole group, as Ctrl-C at a terminal sends it. */
  signalGroup(signal: NodeJS.Signals): void
  /** Every process of the group that lives now, whoever its parent is. */
  processes(): readonly { readonly name: string; readonly pid: number; readonly parent: number }[]
  /** The living process of this name, waited for. Other than `not`, when given. */
  find(name: string, not?: number): Promise<number>
}

export type InstanceOptions = {
  readonly config?: string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** The program and what comes before `start`; default: this Node.js and `bin/anechoic`. */
  readonly command?: readonly [string, ...string[]]
}

const started = new Set<Instance>()

export function startInstance(options: InstanceOptions): Instance {
  const [program, ...before] = options.command ?? [...endingWithUs(process.execPath), entry]
  const { ANECHOIC_URL: _url, ANECHOIC_TOKEN: _token, ...environment } = process.env
  const child = spawn(
    program,
    [...before, 'start', ...(options.config === undefined ? [] : ['--config', options.config])],
    {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  )
  const said = listen(child)
  const pid = child.pid ?? 0
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const processes: Instance['processes'] = () => processTable().filter((one) => one.group === pid)
  const instance: Instance = {
    pid,
    said,
    ended,
    ready: readyOf(said, ended),
    port: (what) => Number(new RegExp(`^listening ${what} \\S+:(\\d+)$`, 'm').exec(said.out)?.[1]),
    signal: (signal) => void child.kill(signal),
    signalGroup: (signal) => void process.kill(-pid, signal),
    processes,
    find: async (name, not) => {
      const found = (): number | undefined => processes().find((one) => one.name === name && one.pid !== not)?.pid
      await until(() => found() !== undefined, `a ${name} process`)
      return found() ?? 0
    },
  }
  started.add(instance)
  instance.ready.catch(() => {})
  return instance
}

/** Ends whatever a test has left running. */
export async function endInstances(): Promise<void> {
  for (const instance of started) {
    if (instance.processes().length > 0) instance.signalGroup('SIGKILL')
    await instance.ended
  }
  started.clear()
}

/** Waits until something holds; throws, naming it, when it does not within the time. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(10)
  }
}

function listen(child: ChildProcess): { out: string; err: string } {
  const said = { out: '', err: '' }
  child.stdout?.on('data', (data: Buffer) => (said.out += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (said.err += data.toString()))
  return said
}

async function readyOf(said: { readonly out: string; readonly err: string }, ended: Promise<unknown>): Promise<void> {
  const over = { yet: false }
  void ended.then(() => (over.yet = true))
  await until(() => over.yet || said.out.endsWith('ready\n'), `ready:\n${said.err}`, 60_000)
  if (!said.out.endsWith('ready\n')) throw new Error(`it ended before it was ready:\n${said.err}`)
}
