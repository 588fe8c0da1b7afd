import type { Identity } from '../world/certificates.ts'
import { type Peer, messagesFor } from './peer.ts'
import { createSmallRoot } from './small-root.ts'

/** The users that the Debian package compiled in, and one who has the mail. */
const users = [
  'root:x:0:0::/root:/bin/sh',
  'opensmtpd:x:4901:4901::/var/lib/opensmtpd/empty:/usr/sbin/nologin',
  'opensmtpq:x:4902:4902::/var/lib/opensmtpd/empty:/usr/sbin/nologin',
  'vmail:x:4903:4903::/var/vmail:/bin/sh',
]

const programs = ['/usr/sbin/smtpd', '/usr/sbin/smtpctl', '/usr/libexec/opensmtpd/mail.maildir', '/bin/sh']

/** Starts Debian's OpenSMTPD on 127.0.0.1:`port` for `domain`, with the local parts of `peer.ts`. It takes two messages over one connection. */
export async function startOpenSmtpd(options: {
  readonly port: number
  readonly domain: string
  readonly identity: Identity
}): Promise<Peer> {
  const root = createSmallRoot('opensmtpd', programs, users)
  root.write('/etc/smtpd.conf', configuration(options.port, options.domain))
  root.write('/etc/mailname', `mx.${options.domain}\n`)
  root.write('/etc/greylist', greylist, 0o755)
  root.write('/etc/cert.pem', options.identity.cert)
  root.write('/etc/key.pem', options.identity.key, 0o600)
  root.make('/var/lib/opensmtpd/empty')
  root.make('/var/spool/smtpd', 0o711)
  root.make('/var/run')
  root.make('/var/grey', 0o777)
  root.make('/var/vmail', 0o777)
  await root.start(['/usr/sbin/smtpd', '-d', '-f', '/etc/smtpd.conf'], options.port)
  return {
    messagesFor: (recipient, count, withinMs) =>
      messagesFor(() => root.filesIn('/var/vmail/inbox/new'), recipient, count, withinMs),
    said: () => root.said(),
    stop: () => root.stop(),
  }
}

function configuration(port: number, domain: string): string {
  return `pki receiver cert "/etc/cert.pem"
pki receiver key "/etc/key.pem"
smtp max-message-size 200000
smtp limit max-mails 2
filter "gone" phase rcpt-to match rcpt-to regex { "^gone" } reject "550 5.1.1 there is no mailbox of this name"
filter "full" phase rcpt-to match rcpt-to regex { "^full" } reject "552 5.2.2 the mailbox is full"
filter "policy" phase rcpt-to match rcpt-to regex { "^policy" } reject "550 5.7.1 mail of this kind is not wanted"
filter "over" phase rcpt-to match rcpt-to regex { "^over" } reject "452 4.2.2 the mailbox is over its quota"
filter "busy" phase rcpt-to match rcpt-to regex { "^busy" } disconnect "421 4.3.2 too busy"
filter "grey" proc-exec "/etc/greylist" user vmail group vmail
filter "all" chain { "gone", "full", "policy", "over", "busy", "grey" }
table users { vmail }
table everybody { "@" = vmail }
listen on 127.0.0.1 port ${port} tls pki receiver filter "all" hostname mx.${domain}
action "inbox" maildir "/var/vmail/inbox" virtual <everybody>
match from any for domain "${domain}" action "inbox"
`
}

/** A filter in the protocol of smtpd-filters(7): each address that begins with "grey" is put off when it is first named. */
const greylist = `#!/bin/sh
while IFS='|' read -r kind version stamp subsystem phase session token rest; do
  case "$kind|$version" in
    'config|ready') echo 'register|filter|smtp-in|rcpt-to'; echo 'register|ready' ;;
    filter*)
      case "$rest" in
        grey*) if [ -e "/var/grey/$rest" ]; then answer=proceed
               else : > "/var/grey/$rest"; answer='reject|450 4.7.1 greylisted, come back later'; fi ;;
        *) answer=proceed ;;
      esac
      echo "filter-result|$session|$token|$answer" ;;
  esac
done
`
