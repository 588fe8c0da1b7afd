import { toASCII } from 'tr46'
import { type SyntaxFault, syntaxFault } from '../fault.ts'

declare const domain: unique symbol

/** A domain name in A-label form, lower case, no trailing dot (RFC 5890, UTS 46). Only `parseDomain` makes it. */
export type Domain = string & { readonly [domain]: true }

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * Reads a domain name as UTS 46 non-transitional A-labels, each 1 to 63 octets, 253 in all (RFC 1035 §2.3.4). One label alone
 * is a name (RFC 5321 §2.3.5); who needs a registrable one asks `parentOf`.
 * An underscore is taken, since DNS names such as `_domainkey.example` are domains too.
 */
export function parseDomain(text: string): Domain | SyntaxFault {
  if (text.length === 0) return syntaxFault('the domain is empty')
  if (text.length > 1024) return syntaxFault('the domain is too long')
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  const ascii = isPlainAscii(bare)
    ? bare.toLowerCase()
    : toASCII(bare, {
        checkBidi: true,
        checkHyphens: true,
        checkJoiners: true,
        useSTD3ASCIIRules: true,
        verifyDNSLength: true,
      })
  if (ascii === null) return syntaxFault('the domain is not a valid internationalised name')
  if (ascii.length > 253) return syntaxFault('the domain is longer than 253 octets')
  const labels = ascii.split('.')
  for (const one of labels) {
    if (!label.test(one)) return syntaxFault('the domain has a malformed label')
  }
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) return syntaxFault('the domain ends in a number')
  if (labels.some((one) => one.startsWith('xn--')) && !isValidALabelName(ascii)) {
    return syntaxFault('the domain has an A-label that encodes nothing valid')
  }
  return ascii as Domain
}

/** Whether `child` is `parent` itself or lies below it. */
export function isAtOrBelow(child: Domain, parent: Domain): boolean {
  return child === parent || child.endsWith(`.${parent}`)
}

/** The name one label up, or null at a top-level domain. */
export function parentOf(child: Domain): Domain | null {
  const dot = child.indexOf('.')
  return dot === -1 ? null : (child.slice(dot + 1) as Domain)
}

function isPlainAscii(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text)
}

function isValidALabelName(ascii: string): boolean {
  return (
    toASCII(ascii, {
      checkBidi: true,
      checkHyphens: false,
      checkJoiners: true,
      useSTD3ASCIIRules: false,
      verifyDNSLength: true,
    }) === ascii
  )
}
