import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ended, senderDomain } from '../load.ts'
import { writeDkimKey } from './dkim-key.ts'

/** A program that signs for Postfix, over a unix socket in `directory`. */
export type Milter = {
  readonly name: string
  /** null when it is installed. */
  readonly missing: string | null
  start(directory: string): Promise<{ readonly socket: string; readonly child: ChildProcess }>
}

const selector = 'bench'

/** OpenDKIM: signs one domain, relaxed/relaxed, rsa-sha256. */
export const openDkim: Milter = {
  name: 'opendkim',
  missing: installed('opendkim'),
  start: (directory) => {
    const socket = join(directory, 'opendkim.sock')
    const key = join(directory, 'opendkim.key')
    writeDkimKey(key)
    const configuration = join(directory, 'opendkim.conf')
    writeFileSync(configuration, openDkimConf(socket, key))
    return started(spawn('opendkim', ['-f', '-x', configuration], { stdio: ['ignore', 'ignore', 'inherit'] }), socket)
  },
}

function openDkimConf(socket: string, key: string): string {
  return `Socket local:${socket}
UMask 000
Mode s
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
Domain ${senderDomain}
Selector ${selector}
KeyFile ${key}
InternalHosts 127.0.0.0/8
OversignHeaders From
RequireSafeKeys no
AutoRestart no
Background no
Syslog no
`
}

/** rspamd with nothing but `dkim_signing`. */
export const rspamd: Milter = {
  name: 'rspamd',
  missing: installed('rspamd'),
  start: (directory) => {
    const own = join(directory, 'rspamd')
    mkdirSync(own)
    const socket = join(own, 'milter.sock')
    const key = join(own, 'dkim.key')
    writeDkimKey(key)
    const configuration = join(own, 'rspamd.conf')
    writeFileSync(configuration, rspamdConf(own, socket, key))
    const child = spawn('rspamd', ['-f', '-i', '-c', configuration], { stdio: ['ignore', 'ignore', 'inherit'] })
    return started(child, socket)
  },
}

function rspamdConf(directory: string, socket: string, key: string): string {
  return `options {
  pidfile = "${directory}/rspamd.pid"
  tempdir = "${directory}"
  control_socket = "${directory}/control.sock mode=0600"
  filters = "dkim"
  local_addrs = ["127.0.0.0/8"]
  dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "file"; filename = "${directory}/log"; level = "warning"; }
worker "rspamd_proxy" {
  bind_socket = "${socket} mode=0666"
  milter = yes
  count = 2
  upstream "local" { default = yes; self_scan = yes; }
}
modules { path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }
dkim_signing {
  enabled = true
  sign_local = true
  sign_authenticated = true
  use_esld = false
  use_redis = false
  allow_hdrfrom_mismatch = true
  use_domain = "header"
  check_pubkey = false
  domain { ${senderDomain} { path = "${key}"; selector = "${selector}"; } }
}
`
}

function installed(program: string): string | null {
  return spawnSync('which', [program]).status === 0 ? null : `${program} is not installed`
}

async function started(child: ChildProcess, socket: string): Promise<{ socket: string; child: ChildProcess }> {
  const deadline = Date.now() + 60_000
  while (!existsSync(socket)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await ended(child)
      throw new Error(`${child.spawnfile} did not start`)
    }
    await pause(20)
  }
  return { socket, child }
}
