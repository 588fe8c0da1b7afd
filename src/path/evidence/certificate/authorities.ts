import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getCACertificates, rootCertificates } from 'node:tls'

/** Certification authorities that we believe, by their subject name. */
export type Authorities = {
  readonly count: number
  withSubject(subject: string): readonly X509Certificate[]
}

/**
 * `system`: the roots that Node carries and those of the machine, read when they are first asked for, since that takes a while. Anything
 * else is the path of a PEM file that stands instead of them.
 * @throws when the file cannot be read or holds no certificate: believing nobody by mistake would refuse all mail.
 */
export function loadAuthorities(ca: string): Authorities {
  if (ca === 'system') return authoritiesOfTheSystem()
  const authorities = authoritiesFrom(readFileSync(ca, 'utf8'))
  if (authorities.count === 0) throw new Error(`${ca} holds no certificate`)
  return authorities
}

/** @throws when a block in the PEM text is no certificate. */
export function authoritiesFrom(pem: string): Authorities {
  const blocks = new Set(pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g))
  const bySubject = new Map<string, X509Certificate[]>()
  for (const block of blocks) {
    const certificate = new X509Certificate(block)
    const same = bySubject.get(certificate.subject)
    if (same === undefined) bySubject.set(certificate.subject, [certificate])
    else same.push(certificate)
  }
  return { count: blocks.size, withSubject: (subject) => bySubject.get(subject) ?? [] }
}

function authoritiesOfTheSystem(): Authorities {
  let read: Authorities | null = null
  const all = (): Authorities =>
    (read ??= authoritiesFrom([...rootCertificates, ...getCACertificates('system')].join('\n')))
  return {
    get count() {
      return all().count
    },
    withSubject: (subject) => all().withSubject(subject),
  }
}
