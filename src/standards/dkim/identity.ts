import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, isAtOrBelow, parseDomain } from '../names/domain.ts'
import { withoutFws } from './tag-list.ts'

const dotAtom = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+)*$/
const quotedString = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"$/

/**
 * Reads `i=`, the AUID (RFC 6376 §3.5): `[local-part] "@" domain` in DKIM quoted-printable, where the domain is the SDID or lies below it.
 * Answers it decoded.
 */
export function parseIdentity(text: string, domain: Domain): string | SyntaxFault {
  const decoded = decodeQuotedPrintable(text)
  if (isSyntaxFault(decoded)) return decoded
  const at = decoded.lastIndexOf('@')
  if (at === -1) return syntaxFault('i= has no @')
  const localPart = decoded.slice(0, at)
  if (localPart !== '' && !dotAtom.test(localPart) && !quotedString.test(localPart))
    return syntaxFault('i= has a malformed local part')
  const name = parseDomain(decoded.slice(at + 1))
  if (isSyntaxFault(name) || !isAtOrBelow(name, domain)) return syntaxFault('i= is not at or below d=')
  return `${localPart}@${name}`
}

/** DKIM quoted-printable (RFC 6376 §2.11): white space is none of it, and what is encoded has two upper-case hexadecimal digits. */
function decodeQuotedPrintable(text: string): string | SyntaxFault {
  const dense = withoutFws(text)
  if (/=(?![0-9A-F]{2})/.test(dense)) return syntaxFault('i= is not quoted-printable')
  return dense.replace(/=([0-9A-F]{2})/g, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
