import { X509Certificate, createHash } from 'node:crypto'
import { isProviderCertificateName } from '../../../standards/providers/index.ts'

/** `sha256:` and the lower-case hex of the SHA-256 of a DER certificate: how a policy names one. */
export function fingerprintOf(der: Buffer): string {
  return `sha256:${createHash('sha256').update(der).digest('hex')}`
}

/** Whether a certificate bears a provider's name in any form. One that cannot be read counts as such: it proves nobody. */
export function isProviderCertificate(der: Buffer): boolean {
  try {
    const certificate = new X509Certificate(der)
    return namesIn(certificate).some(isProviderCertificateName)
  } catch {
    return true
  }
}

function namesIn(certificate: X509Certificate): readonly string[] {
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/DNS:"?([^",\s]+)/g)].map(
    (match) => match[1] ?? '',
  )
  // A certificate without a subject has none here, whatever the type says.
  const subject = (certificate.subject as string | undefined) ?? ''
  const common = [...subject.matchAll(/(?:^|\n|\+ ?)CN ?= ?([^\n+]+)/g)].map((match) => match[1] ?? '')
  return [...alternative, ...common]
}
