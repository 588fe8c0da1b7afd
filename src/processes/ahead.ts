import { type ChildProcess, spawn } from 'node:child_process'

const entry = new URL('./main.ts', import.meta.url).pathname

export type ChildKind = 'control' | 'relay'

/** The children of an instance that is about to start, each to be told later what to be; further relays follow when they are known. */
export type Ahead = Readonly<Record<ChildKind, ChildProcess>>

/**
 * Spawns the children before anybody knows the configuration: they load what they are made of while it is read, hold nothing until they
 * are told to begin, and end when the channel closes.
 */
export function spawnAhead(): Ahead {
  return { relay: spawnChild('relay'), control: spawnChild('control') }
}

/** The channel goes: so do they. */
export function dismiss(ahead: Ahead): void {
  for (const child of Object.values(ahead)) child.kill('SIGKILL')
}

/** One child process, with a channel, waiting to be told to begin. */
export function spawnChild(kind: ChildKind): ChildProcess {
  const child = spawn(process.execPath, [entry, kind], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: environmentOf(kind),
  })
  // Whoever keeps it listens too; until then an error must not end us.
  return child.on('error', () => {})
}

/** Whether it can still be told anything. */
export function stands(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Tokens for the API are control's affair. */
function environmentOf(kind: ChildKind): NodeJS.ProcessEnv {
  if (kind === 'control') return process.env
  const { ANECHOIC_BOOTSTRAP_TOKEN: _bootstrap, ANECHOIC_TOKEN: _token, ...rest } = process.env
  return rest
}
