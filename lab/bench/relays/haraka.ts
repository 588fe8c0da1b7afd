import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../world/free-port.ts'
import { ended, senderDomain, untilListening } from '../load.ts'
import type { Candidate, Contender } from './contender.ts'
import { writeDkimKey } from './dkim-key.ts'

const program = findHaraka()

/** Haraka with two workers, its own outbound queue and its DKIM plugin. It is no dependency of ours: it takes part where somebody has installed it. */
export const haraka: Candidate = {
  name: 'haraka',
  missing: program === null ? 'no haraka on the PATH' : null,
  start: startHaraka,
}

async function startHaraka(sinkPort: number): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-bench-haraka-'))
  const port = await freePort()
  writeConfiguration(directory, port, sinkPort)
  const child = spawn(process.execPath, [program ?? '', '-c', directory], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log = `${log}${data.toString()}`.slice(-4000)
    })
  }
  await untilListening(port, child, () => log)
  return {
    name: 'haraka',
    smtpPort: port,
    roots: [{ pid: child.pid ?? 0, name: 'haraka' }],
    stop: async () => {
      await ended(child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function writeConfiguration(directory: string, port: number, sinkPort: number): void {
  const config = join(directory, 'config')
  const keys = join(config, 'dkim', senderDomain)
  mkdirSync(keys, { recursive: true })
  mkdirSync(join(directory, 'plugins'))
  mkdirSync(join(directory, 'queue'))
  writeDkimKey(join(keys, 'private'))
  const files: { readonly [name: string]: string } = {
    [`dkim/${senderDomain}/selector`]: 'bench\n',
    me: 'relay.peer.example\n',
    plugins: 'dkim\nbench\n',
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=2\n`,
    // With a directory of its own it does not look at the defaults of its package.
    'connection.ini':
      '[haproxy]\n[headers]\nmax_lines=1000\nmax_received=100\n[max]\nbytes=26214400\nmime_parts=1000\nline_length=512\ndata_line_length=992\n[message]\nhelo=Haraka\nclose=bye\n[uuid]\nbanner_chars=0\ndeny_chars=0\n',
    'log.ini': '[main]\nlevel=warn\n',
    'outbound.ini': 'local_mx_ok=true\nenable_tls=false\nconcurrency_max=100\n',
    'dkim.ini': `[sign]\nenabled=true\nselector=bench\ndomain=${senderDomain}\nheaders=From, Sender, Reply-To, Subject, Date, Message-ID, To, Cc, MIME-Version\n[canon]\nbody=relaxed\n[verify]\nenabled=false\n`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text)
  writeFileSync(join(directory, 'plugins', 'bench.js'), pluginFor(sinkPort))
}

/** Lets the bench relay, and sends everything to its sink. */
function pluginFor(sinkPort: number): string {
  return `exports.hook_connect = (next, connection) => { connection.relaying = true; next() }
exports.hook_rcpt = (next) => next(OK)
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${sinkPort} })
`
}

/** On the PATH, or among our packages. */
function findHaraka(): string | null {
  const ours = fileURLToPath(new URL('../../../node_modules/Haraka/bin/haraka', import.meta.url))
  if (existsSync(ours)) return ours
  return spawnSync('which', ['haraka']).stdout?.toString().trim() || null
}
