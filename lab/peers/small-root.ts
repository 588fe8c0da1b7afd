import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { unpackedPeers } from '../../scripts/unpacked-peers.ts'

/** A root directory with one program in it, its libraries and its configuration: what its package compiled in (users, paths) is true there alone. */
export type SmallRoot = {
  readonly directory: string
  /** Writes a file at a path inside. */
  write(path: string, text: string, mode?: number): void
  /** Makes a directory inside, with its parents. */
  make(path: string, mode?: number): string
  /** Runs a program of the root until it listens at the port. Throws with what it said when it does not. */
  start(command: readonly string[], port: number): Promise<void>
  /** The files of a directory inside; none when there is no such directory. */
  filesIn(path: string): readonly Buffer[]
  /** A text file inside; empty when there is none. */
  read(path: string): string
  /** What the program wrote. */
  said(): string
  stop(): Promise<void>
}

/** Makes one with programs, each given as the path that it has inside; taken from the unpacked packages, else from this machine. */
export function createSmallRoot(name: string, programs: readonly string[], passwd: readonly string[]): SmallRoot {
  const directory = mkdtempSync(join(tmpdir(), `anechoic-${name}-`))
  chmodSync(directory, 0o755)
  const make = (path: string, mode = 0o755): string => {
    const inside = join(directory, path)
    mkdirSync(inside, { recursive: true })
    chmodSync(inside, mode)
    return inside
  }
  const write = (path: string, text: string, mode = 0o644): void => {
    make(dirname(path))
    writeFileSync(join(directory, path), text, { mode })
  }
  for (const program of programs) copyProgram(directory, program)
  make('/tmp', 0o1777)
  make('/dev')
  spawnSync('mknod', ['-m', '666', join(directory, '/dev/null'), 'c', '1', '3'])
  spawnSync('mknod', ['-m', '666', join(directory, '/dev/urandom'), 'c', '1', '9'])
  write('/etc/passwd', `${passwd.join('\n')}\n`)
  write(
    '/etc/group',
    `${passwd
      .map((line) => line.split(':'))
      .map(([user, , , group]) => `${user}:x:${group}:`)
      .join('\n')}\n`,
  )
  write('/etc/hosts', '127.0.0.1 localhost\n')
  write('/etc/resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  let said = ''
  return {
    directory,
    make,
    write,
    filesIn: (path) => filesIn(join(directory, path)),
    read: (path) => {
      try {
        return readFileSync(join(directory, path), 'utf8')
      } catch {
        return ''
      }
    },
    said: () => said,
    start: async (command, port) => {
      const child = spawn('chroot', [directory, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()))
      const deadline = Date.now() + 60_000
      while (!listens(port)) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${name} did not start: ${said}`)
        await pause(30)
      }
    },
    stop: async () => {
      await endAllIn(directory)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Whether something listens at 127.0.0.1:`port`, told without a connection to it. */
export function listens(port: number): boolean {
  const hex = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .some((line) => line.includes(` ${hex} `) && line.includes(' 0A '))
}

/** Ends everything that runs in the root: a daemon has children, some of them in process groups of their own. */
async function endAllIn(directory: string): Promise<void> {
  const deadline = Date.now() + 3000
  for (;;) {
    const left = processesIn(directory)
    if (left.length === 0) return
    for (const pid of left) signal(pid, Date.now() < deadline ? 'SIGTERM' : 'SIGKILL')
    await pause(50)
  }
}

function processesIn(directory: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(join('/proc', pid, 'root')) === directory
      } catch {
        // It has just gone.
        return false
      }
    })
    .map(Number)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It went by itself in the meantime.
  }
}

function copyProgram(directory: string, program: string): void {
  const unpacked = join(unpackedPeers, program)
  const from = readable(unpacked) ? unpacked : program
  copy(from, join(directory, program))
  chmodSync(join(directory, program), 0o755)
  const libraries = [...folders(join(unpackedPeers, 'usr/lib')), ...folders(join(unpackedPeers, 'lib'))]
  const told = spawnSync('ldd', [from], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') },
    encoding: 'utf8',
  })
  const missing = /^\s*(\S+) => not found/m.exec(told.stdout)
  if (missing !== null) throw new Error(`${program} lacks ${missing[1]}`)
  for (const [, path = ''] of told.stdout.matchAll(/(\/\S+) \(0x/g)) {
    // The loader is found by the path that the program names; libraries in any of the loader's own folders.
    const isLoader = basename(path).startsWith('ld-linux')
    copy(path, join(directory, isLoader ? path : join('/lib', basename(path))))
  }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
  chmodSync(to, 0o755)
}

/** What the files of a directory hold; nothing when there is no such directory. */
export function filesIn(path: string): readonly Buffer[] {
  try {
    return readdirSync(path).map((name) => readFileSync(join(path, name)))
  } catch {
    // The server makes a maildir with its first message.
    return []
  }
}

function readable(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}

function folders(path: string): readonly string[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(path, name))
  } catch {
    return []
  }
}
