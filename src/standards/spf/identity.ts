import { isSyntaxFault } from '../fault.ts'
import { isAskable } from '../dns/inquiry.ts'
import { parseDomain } from '../names/domain.ts'

/** Whom SPF is asked about: the reverse-path, or with a null reverse-path the name greeted with (RFC 7208 §2.4). */
export type SpfIdentity = {
  readonly scope: 'mfrom' | 'helo'
  readonly localPart: string
  /** Lower case; null when it is no domain of several labels, so that there is nothing to ask (RFC 7208 §4.3). */
  readonly domain: string | null
}

/** `mailFrom` is what stood between the angle brackets of MAIL FROM, empty for a null reverse-path. */
export function spfIdentity(mailFrom: string, helo: string): SpfIdentity {
  if (mailFrom === '') return { scope: 'helo', localPart: 'postmaster', domain: checkableDomain(helo) }
  const at = mailFrom.lastIndexOf('@')
  const localPart = at > 0 ? mailFrom.slice(0, at) : 'postmaster'
  return { scope: 'mfrom', localPart, domain: checkableDomain(mailFrom.slice(at + 1)) }
}

const topLabel = /\.(?=[^.]*[^.0-9])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/

function checkableDomain(text: string): string | null {
  let name = text.endsWith('.') ? text.slice(0, -1) : text
  if (/[^\x21-\x7e]/.test(name)) {
    const read = parseDomain(name)
    if (isSyntaxFault(read)) return null
    name = read
  }
  return isAskable(name) && topLabel.test(name) ? name.toLowerCase() : null
}
