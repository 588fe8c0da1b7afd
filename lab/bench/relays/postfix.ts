import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postfixIsThere } from '../../peers/postfix.ts'
import { freePort } from '../../world/free-port.ts'
import { ended, untilListening } from '../load.ts'
import type { Candidate, Contender } from './contender.ts'
import type { Milter } from './milters.ts'

/** Postfix as a relay that has a milter sign. */
export function postfixWith(milter: Milter): Candidate {
  const name = `postfix+${milter.name}`
  return {
    name,
    missing: postfixIsThere() ? milter.missing : 'Postfix is not installed, or this is not root',
    start: (sinkPort) => startPostfix(name, milter, sinkPort),
  }
}

async function startPostfix(name: string, milter: Milter, sinkPort: number): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-bench-postfix-'))
  chmodSync(directory, 0o755)
  mkdirSync(join(directory, 'queue'))
  mkdirSync(join(directory, 'lib'))
  const postfixUser = Number(spawnSync('id', ['-u', 'postfix']).stdout.toString())
  chownSync(join(directory, 'lib'), postfixUser, 0)
  const port = await freePort()
  const signing = await milter.start(directory)
  writeFileSync(join(directory, 'main.cf'), mainCf(directory, sinkPort, signing.socket))
  writeFileSync(join(directory, 'master.cf'), masterCf(port))
  const child = spawn('/usr/sbin/postfix', ['-c', directory, 'start-fg'], { stdio: ['ignore', 'ignore', 'ignore'] })
  const stop = async (): Promise<void> => {
    spawnSync('/usr/sbin/postfix', ['-c', directory, 'stop'])
    await ended(child)
    await ended(signing.child)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await untilListening(port, child, () => readFileSync(join(directory, 'log'), 'utf8').slice(-2000))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    name,
    smtpPort: port,
    roots: [
      { pid: child.pid ?? 0, name: 'master' },
      { pid: signing.child.pid ?? 0, name: milter.name },
    ],
    stop,
  }
}

/** Tuned by hand for this load: more processes and connections than usual, no brake on input, no look-ups of names. */
function mainCf(directory: string, sinkPort: number, socket: string): string {
  return `compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/lib
maillog_file = ${directory}/log
maillog_file_prefixes = ${directory}
myhostname = relay.peer.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:${sinkPort}
alias_maps =
alias_database =
local_recipient_maps =
smtpd_milters = unix:${socket}
milter_default_action = tempfail
milter_protocol = 6
default_process_limit = 200
default_destination_concurrency_limit = 40
initial_destination_concurrency = 40
in_flow_delay = 0
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = [127.0.0.1]:${sinkPort}
smtpd_client_connection_count_limit = 0
`
}

function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
