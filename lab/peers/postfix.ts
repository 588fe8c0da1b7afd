import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Identity } from '../world/certificates.ts'
import { type GreylistService, startGreylistService } from './greylist-service.ts'
import { messagesFor } from './peer.ts'
import { filesIn, listens } from './small-root.ts'

/** Debian's Postfix as a receiver on loopback, with a configuration and a queue of its own. */
export type Postfix = {
  /** The messages in the mailbox of a recipient, as Postfix stored them, once `count` are there. */
  mailbox(recipient: string, count: number, withinMs?: number): Promise<readonly Buffer[]>
  said(): string
  stop(): void
}

export type PostfixOptions = {
  readonly port: number
  readonly domain: string
  /** Domains that it takes mail for and passes on, each to a port of this machine. */
  readonly relays?: Readonly<Record<string, number>>
  /** Offers STARTTLS with it, and does with recipients as `peer.ts` says; otherwise it takes everything, in clear. */
  readonly identity?: Identity
}

/** Whether Postfix is installed and may be run: it starts as root only. */
export function postfixIsThere(): boolean {
  return process.getuid?.() === 0 && spawnSync('/usr/sbin/postfix', ['-c', '/nowhere', 'status']).error === undefined
}

/** Starts it on 127.0.0.1:`port`, taking mail for `domain` into maildirs. Throws with its log when it does not start. */
export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-postfix-'))
  chmodSync(directory, 0o755)
  const nobody = 65534
  const mail = join(directory, 'mail')
  mkdirSync(mail)
  chownSync(mail, nobody, nobody)
  mkdirSync(join(directory, 'queue'))
  mkdirSync(join(directory, 'lib'))
  const postfixUser = Number(spawnSync('id', ['-u', 'postfix']).stdout.toString())
  chownSync(join(directory, 'lib'), postfixUser, nobody)
  const greylist = options.identity === undefined ? null : await startGreylistService()
  const rules =
    options.identity === undefined || greylist === null ? '' : refusing(directory, options.identity, greylist)
  writeFileSync(
    join(directory, 'main.cf'),
    `${mainCf(directory, options.domain, nobody)}${rules}${relaying(options.relays ?? {})}`,
  )
  writeFileSync(join(directory, 'master.cf'), masterCf(options.port))
  const log = join(directory, 'log')
  const child = spawn('/usr/sbin/postfix', ['-c', directory, 'start-fg'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const deadline = Date.now() + 60_000
  while (!listens(options.port)) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`Postfix did not start: ${said}${readOr(log)}`)
    await pause(50)
  }
  return {
    mailbox: (recipient, count, withinMs) =>
      messagesFor(() => filesIn(join(mail, 'inbox', 'new')), recipient, count, withinMs),
    said: () => `${said}${readOr(log)}`,
    stop: () => {
      greylist?.close()
      spawnSync('/usr/sbin/postfix', ['-c', directory, 'stop'])
      child.kill('SIGTERM')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function mainCf(directory: string, domain: string, uid: number): string {
  return `compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/lib
maillog_file = ${directory}/log
maillog_file_prefixes = ${directory}
myhostname = mx.${domain}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/32
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = ${directory}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${uid}
virtual_minimum_uid = ${uid}
virtual_transport = virtual
local_recipient_maps =
alias_maps =
alias_database =
smtputf8_enable = yes
`
}

/** What it takes for these domains it queues, and what is refused there comes back later. */
function relaying(relays: Readonly<Record<string, number>>): string {
  const all = Object.entries(relays)
  if (all.length === 0) return ''
  const transports = all.map(([domain, port]) => `{ ${domain} = smtp:[127.0.0.1]:${port} }`)
  return `relay_domains = ${all.map(([domain]) => domain).join(' ')}\ntransport_maps = inline:{ ${transports.join(', ')} }\n`
}

function masterCf(port: number): string {
  const plain = [
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
  ]
  const rest = ['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`)
  const more = ['verify unix - - n - 1 verify', 'flush unix n - n 1000? 0 flush', 'proxymap unix - - n - - proxymap']
  const last = [
    'smtp unix - - n - - smtp',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'virtual unix - n n - - virtual',
    'anvil unix - - n - 1 anvil',
    'postlog unix-dgram n - n - 1 postlogd',
  ]
  return `${[`127.0.0.1:${port} inet n - n - - smtpd`, ...plain, ...rest, ...more, ...last].join('\n')}\n`
}

/** The rules of `peer.ts`, as Postfix has them: an access table, and a policy service for what must be remembered. */
function refusing(directory: string, identity: Identity, greylist: GreylistService): string {
  writeFileSync(join(directory, 'cert.pem'), identity.cert)
  writeFileSync(join(directory, 'key.pem'), identity.key, { mode: 0o600 })
  writeFileSync(
    join(directory, 'recipients'),
    `/^gone/ 550 5.1.1 there is no mailbox of this name
/^full/ 552 5.2.2 the mailbox is full
/^policy/ 550 5.7.1 mail of this kind is not wanted
/^over/ 452 4.2.2 the mailbox is over its quota
/^busy/ 421 4.3.2 too busy
`,
  )
  return `message_size_limit = 200000
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${directory}/cert.pem
smtpd_tls_key_file = ${directory}/key.pem
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:${directory}/recipients, check_policy_service inet:127.0.0.1:${greylist.port}
smtpd_delay_reject = yes
`
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
