import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Octets of a message without its header section. */
export const messageOctets = 10_240
export const sender = 'robot@acme.example'
export const recipient = 'bob@dest.example'
/** Whom all senders of the bench are, and where they are allowed to send from. */
export const senderDomain = 'acme.example'

/** Whether Postfix's `smtp-source` and `smtp-sink` are installed. */
export function loadToolsAreThere(): boolean {
  return ['smtp-source', 'smtp-sink'].every((tool) => spawnSync(tool, ['-?']).error === undefined)
}

/** Something that runs until it is stopped. */
export type Stoppable = { stop(): Promise<void> }

/** A destination that takes everything and throws it away. */
export type Sink = {
  readonly port: number
  readonly pid: number
  /** Messages taken so far. */
  taken(): number
  stop(): Promise<void>
}

/** Starts `smtp-sink` on that port of 127.0.0.1. */
export async function startSink(port: number): Promise<Sink> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-sink-'))
  const counters = join(directory, 'counters')
  const out = openSync(counters, 'w')
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('smtp-sink', ['-4', ...user, '-c', `127.0.0.1:${port}`, '1000'], {
    stdio: ['ignore', out, 'inherit'],
  })
  closeSync(out)
  const written = openSync(counters, 'r')
  // Whatever ends this process must not leave a sink behind.
  const leave = (): void => void child.kill()
  process.once('exit', leave)
  await untilListening(port, child)
  return {
    port,
    pid: child.pid ?? 0,
    taken: () => Number(/.*mesg=\s*(\d+)/s.exec(lastOctets(written, 100))?.[1] ?? 0),
    stop: async () => {
      process.off('exit', leave)
      await ended(child)
      closeSync(written)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The file grows by a line with each message, so only its end is read. */
function lastOctets(file: number, count: number): string {
  const { size } = fstatSync(file)
  const end = Buffer.alloc(Math.min(size, count))
  readSync(file, end, 0, end.length, size - end.length)
  return end.toString('latin1')
}

/** Ends a program, with SIGKILL when it does not want to. */
export async function ended(child: ChildProcess, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await gone
  clearTimeout(timer)
}

/** Runs `smtp-source` to its end: `messages` messages over so many connections, each kept for the next message. */
export async function sendAll(options: {
  readonly port: number
  readonly connections: number
  readonly messages: number
  readonly withinMs: number
}): Promise<void> {
  const { port, connections, messages, withinMs } = options
  const source = spawn(
    'smtp-source',
    [
      ['-4', '-d', '-s', String(connections), '-l', String(messageOctets), '-m', String(messages)],
      ['-f', sender, '-t', recipient, `127.0.0.1:${port}`],
    ].flat(),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  source.stderr.on('data', (data: Buffer) => {
    complaint += data.toString()
  })
  const timer = setTimeout(() => source.kill('SIGKILL'), withinMs)
  const [code] = (await once(source, 'close')) as [number | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`smtp-source ended with ${code ?? 'a signal'}: ${complaint.slice(-500)}`)
}

/** Until something listens on that port of IPv4 loopback. Throws when the program ends before, or after 30 s. */
export async function untilListening(port: number, program: ChildProcess, log: () => string = () => ''): Promise<void> {
  const hex = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const isListening = (): boolean =>
    readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .some((line) => line.includes(` ${hex} 00000000:0000 0A `))
  const deadline = Date.now() + 60_000
  while (!isListening()) {
    if (program.exitCode !== null || program.pid === undefined || Date.now() > deadline)
      throw new Error(`${program.spawnfile} does not listen on port ${port}: ${log()}`)
    await pause(20)
  }
}
