import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Debian's rspamd with nothing but its DKIM verifier, asked over a unix socket. */
export type Rspamd = {
  /** `selector@domain` of each signature that it passes. */
  passes(message: Buffer): Promise<readonly string[]>
  stop(): Promise<void>
}

export function rspamdIsThere(): boolean {
  return spawnSync('rspamd', ['--version']).status === 0
}

/** Starts it with the name server at this `address:port` as its only one. */
export async function startRspamd(nameServer: string): Promise<Rspamd> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-rspamd-'))
  const socket = join(directory, 'worker.sock')
  const configuration = join(directory, 'rspamd.conf')
  writeFileSync(configuration, configurationFor(directory, socket, nameServer))
  const child = spawn('rspamd', ['-f', '-i', '-c', configuration], { stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    await ended(child)
    rmSync(directory, { recursive: true })
  }
  const deadline = Date.now() + 60_000
  while (!existsSync(socket)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error('rspamd did not start')
    }
    await pause(20)
  }
  return { passes: (message) => passes(socket, message), stop }
}

function configurationFor(directory: string, socket: string, nameServer: string): string {
  return `options {
  pidfile = "${directory}/rspamd.pid"
  tempdir = "${directory}"
  control_socket = "${directory}/control.sock mode=0600"
  filters = "dkim"
  max_message = 100M
  dns { nameserver = ["${nameServer}"]; timeout = 10s; retransmits = 2; }
}
logging { type = "file"; filename = "${directory}/log"; level = "warning"; }
worker "normal" { bind_socket = "${socket} mode=0600"; count = 1; task_timeout = 120s; }
dkim { check_local = true; check_authed = true; }
`
}

type Answer = { readonly symbols?: Readonly<Record<string, { readonly options?: readonly string[] }>> }

async function passes(socketPath: string, message: Buffer): Promise<readonly string[]> {
  const headers = { IP: '192.0.2.1', 'Content-Length': message.length }
  const asked = request({ socketPath, path: '/checkv2', method: 'POST', headers })
  asked.end(message)
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { symbols } = JSON.parse(Buffer.concat(chunks).toString()) as Answer
  return (symbols?.['R_DKIM_ALLOW']?.options ?? []).map((option) => {
    const [domain = '', selector = ''] = option.split(':s=')
    return `${selector}@${domain}`
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
