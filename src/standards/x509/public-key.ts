import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { childrenOf, elementAt } from './der.ts'

const SEQUENCE = 0x30
const VERSION = 0xa0

/** The SubjectPublicKeyInfo of a DER certificate (RFC 5280 §4.1.2.7), octet for octet as it stands there. */
export function publicKeyInfo(der: Buffer): Buffer | SyntaxFault {
  const malformed = syntaxFault('the certificate is not well-formed DER')
  const certificate = elementAt(der, 0, der.length)
  const signed = certificate?.tag === SEQUENCE ? elementAt(der, certificate.from, certificate.to) : null
  const fields = signed?.tag === SEQUENCE ? childrenOf(der, signed) : null
  if (fields === null) return malformed
  // serialNumber, signature, issuer, validity and subject stand before it, and a version where it is not 1.
  const at = fields[0]?.tag === VERSION ? 6 : 5
  const [before, info] = [fields[at - 1], fields[at]]
  if (before === undefined || info?.tag !== SEQUENCE) return malformed
  return der.subarray(before.to, info.to)
}
