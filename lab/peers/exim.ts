import type { Identity } from '../world/certificates.ts'
import { type Peer, messagesFor } from './peer.ts'
import { createSmallRoot } from './small-root.ts'

/** The user that the Debian package compiled in. */
const user = 'Debian-exim:x:4900:4900::/var/spool/exim4:/usr/sbin/nologin'

/** Starts Debian's Exim on 127.0.0.1:`port` for `domain`, with the local parts of `peer.ts`. It takes two messages over one connection. */
export async function startExim(options: {
  readonly port: number
  readonly domain: string
  readonly identity: Identity
}): Promise<Peer> {
  const root = createSmallRoot('exim', ['/usr/sbin/exim4'], ['root:x:0:0::/:/bin/sh', user])
  root.write('/etc/exim4/exim4.conf', configuration(options.port, options.domain))
  root.write('/etc/exim4/cert.pem', options.identity.cert)
  root.write('/etc/exim4/key.pem', options.identity.key)
  for (const place of ['/var/spool/exim4', '/var/log/exim4', '/var/mail', '/run']) root.make(place, 0o777)
  await root.start(['/usr/sbin/exim4', '-bdf', '-q1m', '-oX', String(options.port)], options.port)
  return {
    messagesFor: (recipient, count, withinMs) =>
      messagesFor(() => root.filesIn('/var/mail/inbox/new'), recipient, count, withinMs),
    said: () => `${root.said()}${root.read('/var/log/exim4/mainlog')}${root.read('/var/log/exim4/rejectlog')}`,
    stop: () => root.stop(),
  }
}

function configuration(port: number, domain: string): string {
  return `primary_hostname = mx.${domain}
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
domainlist local_domains = ${domain}
host_lookup =
rfc1413_query_timeout = 0s
never_users =
trusted_users = Debian-exim
message_size_limit = 200000
smtp_accept_max_per_connection = 2
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem
acl_smtp_rcpt = check_rcpt
acl_smtp_data = check_data

begin acl
check_rcpt:
  deny    local_parts = ^gone
          message = 550 5.1.1 there is no mailbox of this name
  deny    local_parts = ^full
          message = 552 5.2.2 the mailbox is full
  deny    local_parts = ^policy
          message = 550 5.7.1 mail of this kind is not wanted
  defer   local_parts = ^over
          message = 452 4.2.2 the mailbox is over its quota
  defer   local_parts = ^busy
          message = 421 4.3.2 too busy
  defer   local_parts = ^grey
          message = 450 4.7.1 greylisted, come back later
          !seen = 1h / key=\${local_part}
  accept  domains = +local_domains
  deny    message = 550 5.7.1 no relaying

check_data:
  deny    message = 554 5.6.0 the content is not wanted
          condition = \${if match{$message_body}{do not want this}}
  accept

begin routers
inbox:
  driver = accept
  domains = +local_domains
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = /var/mail/inbox
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = Debian-exim
`
}
