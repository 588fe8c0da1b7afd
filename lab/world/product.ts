import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { remoteOperations } from '../../src/doors/cli/remote.ts'
import type { Operations } from '../../src/doors/operations.ts'
import { Secret } from '../../src/standards/secret.ts'
import { processTable } from './process-table.ts'

const entry = new URL('../../bin/anechoic', import.meta.url).pathname

export type Printed = { readonly code: number; readonly out: string; readonly err: string }

/** The product as a user runs it: the real processes, driven through its command line and its sockets. */
export type Product = {
  readonly pid: number
  readonly smtpPort: number
  readonly httpUrl: string
  readonly token: string
  /** What the command line asks of this server, without a process for each question. */
  readonly operations: Operations
  /** Runs a verb of the command line against this server. */
  cli(...args: readonly string[]): Promise<Printed>
  /** The same on its data directory, whether it runs or not. */
  local(...args: readonly string[]): Promise<Printed>
  /** As `cli`, with `--json`, parsed. Throws on an exit code other than 0. */
  json(...args: readonly string[]): Promise<unknown>
  /** What it wrote on stderr so far. */
  log(): string
  /** Ids of its processes that live now, the supervisor first. */
  processes(): { readonly name: string; readonly pid: number }[]
  stop(): Promise<number | null>
  kill(): Promise<void>
}

/**
 * Starts it in `directory` with a configuration given as plain data; `dataDir` and ports are added. Waits for `ready`. `environment` is
 * added to that of this process.
 */
export async function startProduct(
  directory: string,
  configuration: { readonly [key: string]: unknown },
  environment: NodeJS.ProcessEnv = {},
): Promise<Product> {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'anechoic.yaml')
  writeFileSync(file, stringify({ dataDir: join(directory, 'data'), ...stayingHere(configuration) }))
  const token = 'lab-bootstrap-token-0123456789abcdef'
  const [program, ...before] = endingWithUs(process.execPath)
  const child = spawn(program, [...before, entry, 'start', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment, ANECHOIC_BOOTSTRAP_TOKEN: token },
  })
  let log = ''
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString()
  })
  const closed = once(child, 'close')
  closed.catch(() => {})
  const ports = await readPorts(child, feedbackPortsOf(configuration))
  if (ports === null) {
    const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null]
    throw new Error(`the product did not start, it ended with ${code ?? signal}:\n${log}`)
  }
  const httpUrl = `http://127.0.0.1:${ports.http}`
  const cli = (...args: readonly string[]): Promise<Printed> =>
    run([entry, ...args, '--config', file], { ANECHOIC_URL: httpUrl, ANECHOIC_TOKEN: token })
  return {
    pid: child.pid ?? 0,
    smtpPort: ports.smtp,
    httpUrl,
    token,
    operations: remoteOperations(httpUrl, new Secret(token)),
    cli,
    local: (...args) => run([entry, ...args, '--config', file], { ANECHOIC_URL: '', ANECHOIC_TOKEN: '' }),
    json: async (...args) => {
      const printed = await cli(...args, '--json')
      if (printed.code !== 0) throw new Error(`anechoic ${args.join(' ')} ended with ${printed.code}: ${printed.err}`)
      return JSON.parse(printed.out)
    },
    log: () => log,
    processes: () => descendantsOf(child.pid ?? 0),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
    kill: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** A program that the kernel ends when this process is gone, however it went: a test that is killed leaves no product with its port. */
export function endingWithUs(program: string): readonly [string, ...string[]] {
  const helper = '/usr/bin/setpriv'
  return existsSync(helper) ? [helper, '--pdeathsig', 'KILL', program] : [program]
}

/** The lab does not ask Microsoft about tenants, unless a configuration says whom to ask instead. */
function stayingHere(configuration: { readonly [key: string]: unknown }): object {
  const providers = (configuration['providers'] ?? {}) as { readonly m365?: object }
  return { ...configuration, providers: { ...providers, m365: { login: 'off', ...providers.m365 } } }
}

/** Runs one command line to its end. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Printed> {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (data: Buffer) => out.push(data))
  child.stderr.on('data', (data: Buffer) => err.push(data))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 70, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

/** Ports on which no mail for others is taken in. */
function feedbackPortsOf({ listeners = [] }: { readonly listeners?: unknown }): readonly number[] {
  const all = listeners as readonly { readonly role?: string; readonly port: number }[]
  return all.flatMap((one) => (one.role === 'feedback' ? [one.port] : []))
}

/** Null when it ended before it was ready. */
async function readPorts(
  child: ChildProcess,
  feedbackPorts: readonly number[],
): Promise<{ readonly smtp: number; readonly http: number } | null> {
  if (child.stdout === null) throw new Error('the product has no standard output')
  const ports = { smtp: 0, http: 0 }
  for await (const line of createInterface({ input: child.stdout })) {
    const told = /^listening (smtp|http) \S+:(\d+)$/.exec(line)
    if (told?.[1] === 'smtp' && !feedbackPorts.includes(Number(told[2]))) ports.smtp = Number(told[2])
    if (told?.[1] === 'http') ports.http = Number(told[2])
    if (line === 'ready') return ports
  }
  return null
}

function descendantsOf(pid: number): { readonly name: string; readonly pid: number }[] {
  const all = processTable()
  const found = [{ name: 'supervisor', pid }]
  for (let at = 0; at < found.length; at++) {
    for (const one of all) if (one.parent === found[at]?.pid) found.push({ name: one.name, pid: one.pid })
  }
  return found
}
