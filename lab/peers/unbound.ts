import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cachedDns } from '../../src/platform/dns-system.ts'
import { freePort } from '../world/free-port.ts'

/** Debian's unbound on loopback, which validates one zone that was signed for it and knows no other. */
export type Unbound = { readonly address: string; stop(): void }

/** Whether unbound and what signs a zone for it are installed. */
export function unboundIsThere(): boolean {
  return ['/usr/sbin/unbound', '/usr/bin/ldns-signzone'].every((file) => spawnSync(file, ['-h']).error === undefined)
}

/**
 * Starts it with this zone, records in the form of a zone file. `unsigned`: the zone bears no signature at all; `broken`: a record
 * was changed after it was signed.
 */
export async function startUnbound(options: {
  readonly zone: string
  readonly records: readonly string[]
  readonly broken?: { readonly record: string; readonly becomes: string }
}): Promise<Unbound> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-unbound-'))
  const { zone, records, broken } = options
  const file = join(directory, 'zone')
  const top = [
    `$ORIGIN ${zone}.`,
    '$TTL 300',
    '@ IN SOA ns hostmaster 1 3600 600 86400 300',
    '@ IN NS ns',
    'ns IN A 127.0.0.1',
  ]
  writeFileSync(file, `${[...top, ...records].join('\n')}\n`)
  const key = run(directory, 'ldns-keygen', '-k', '-a', 'ECDSAP256SHA256', zone).trim()
  run(directory, 'ldns-signzone', '-f', 'zone.signed', 'zone', key)
  if (broken !== undefined) {
    const signed = readFileSync(join(directory, 'zone.signed'), 'utf8')
    if (!signed.includes(broken.record)) throw new Error(`the signed zone has no ${broken.record}`)
    writeFileSync(join(directory, 'zone.signed'), signed.replaceAll(broken.record, broken.becomes))
  }
  const port = await freePort()
  writeFileSync(join(directory, 'unbound.conf'), configuration(directory, port, zone, join(directory, `${key}.key`)))
  const child = spawn('/usr/sbin/unbound', ['-d', '-c', join(directory, 'unbound.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString()
  })
  const address = `127.0.0.1:${port}`
  const stop = (): void => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  const dns = cachedDns([address], 500, { now: () => Date.now() })
  for (let tries = 0; tries < 40; tries++) {
    if (!('trouble' in (await dns.ask('A', `ns.${zone}`)))) return { address, stop }
    await pause(100)
  }
  stop()
  throw new Error(`unbound did not start:\n${log}`)
}

function run(directory: string, program: string, ...args: readonly string[]): string {
  const ended = spawnSync(`/usr/bin/${program}`, args, { cwd: directory })
  if (ended.status !== 0) throw new Error(`${program} ended with ${ended.status}: ${ended.stderr?.toString()}`)
  return ended.stdout.toString()
}

function configuration(directory: string, port: number, zone: string, anchor: string): string {
  return `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: "${directory}/pid"
  use-syslog: no
  do-daemonize: no
  module-config: "validator iterator"
  trust-anchor-file: "${anchor}"
  do-not-query-localhost: no
remote-control:
  control-enable: no
auth-zone:
  name: "${zone}"
  zonefile: "${directory}/zone.signed"
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
`
}
