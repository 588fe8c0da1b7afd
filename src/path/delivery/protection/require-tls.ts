import type { Allowed, ClientSession } from '../client/session.ts'
import { ConnectionTrouble } from '../client/trouble.ts'

/** RFC 8689 §4.2.1: why a message sent with REQUIRETLS may not go over a session, or null. It is the end of its way to that server. */
export function requireTlsGap(session: ClientSession, wanted: Allowed): ConnectionTrouble | null {
  const { tls, capabilities, authenticated, target } = session
  const because = (status: string, words: string): ConnectionTrouble =>
    new ConnectionTrouble('unprotected', `the sender requires TLS all the way (REQUIRETLS), but ${words}`, null, status)
  if (tls === null) return because('5.7.30', `${target.name} offers no encryption that holds`)
  if (!capabilities.requireTls) return because('5.7.30', `${target.name} does not offer REQUIRETLS`)
  if (!authenticated) return because('5.7.10', `${target.name} did not prove to be that server`)
  if (wanted.sureOfName) return null
  return because(
    '5.7.10',
    `neither DNSSEC nor an MTA-STS policy proves that ${target.name} is a server of ${wanted.domain}`,
  )
}
