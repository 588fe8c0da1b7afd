import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { type HeaderSection, fieldsNamed, rawFieldValue, unfold } from './header-section.ts'

/**
 * The Author Domains of a message as any reader might see them (RFC 9989 §5.3.1): each domain of each mailbox in each From
 * field, obsolete forms of RFC 5322 §4.4 among them. This is for judging what others sent; for what we sign there is `readAuthor`.
 * A mailbox without a domain that can be read is a fault: what a person sees there is not known.
 */
export function readAuthorDomains(
  section: HeaderSection,
): { readonly domains: readonly Domain[]; readonly fields: number } | SyntaxFault {
  const fields = fieldsNamed(section, 'from')
  const domains = new Set<Domain>()
  for (const field of fields) {
    const mailboxes = splitMailboxes(unfold(rawFieldValue(section, field).toString('utf8')))
    if (isSyntaxFault(mailboxes)) return mailboxes
    for (const mailbox of mailboxes) {
      const domain = domainOf(mailbox)
      if (isSyntaxFault(domain)) return domain
      domains.add(domain)
    }
  }
  return domains.size === 0 ? syntaxFault('From has no mailbox') : { domains: [...domains], fields: fields.length }
}

/** One mailbox with its comments gone; `inner` is what stands between the last angle brackets. */
type RawMailbox = { readonly text: string; readonly inner: string | null }

/** Cuts an address list at its commas, and at the colons and semicolons of groups. One pass. */
function splitMailboxes(text: string): readonly RawMailbox[] | SyntaxFault {
  const mailboxes: RawMailbox[] = []
  let outer = ''
  let inner: string | null = null
  let isInside = false
  const finish = (): void => {
    if (outer.trim() !== '' || inner !== null) mailboxes.push({ text: outer, inner })
    outer = ''
    inner = null
  }
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? ''
    const end = character === '"' ? quotedEnd(text, at) : character === '(' ? commentEnd(text, at) : at + 1
    if (end === null) return syntaxFault('From has a quoted string or a comment that does not end', at)
    const piece = character === '(' ? ' ' : text.slice(at, end)
    at = end
    if (piece === '<' && !isInside) {
      if (inner !== null) return syntaxFault('From has two addresses without a comma', at)
      isInside = true
      inner = ''
    } else if (piece === '>' && isInside) isInside = false
    else if (isInside) inner += piece
    else if (piece === ',' || piece === ';') finish()
    else if (piece === ':') outer = ''
    else outer += piece
  }
  if (isInside) return syntaxFault('From has an angle bracket that does not close')
  finish()
  return mailboxes
}

/** Behind the quoted string that starts at `from`, or null when it does not end. */
function quotedEnd(text: string, from: number): number | null {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return null
}

/** Behind the comment that starts at `from`, comments inside it included, or null when it does not end. */
function commentEnd(text: string, from: number): number | null {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return null
}

function domainOf({ text, inner }: RawMailbox): Domain | SyntaxFault {
  // A route ends at its colon (RFC 5322 §4.4 obs-angle-addr).
  const spec = (inner ?? text).replace(/^\s*@[^:"]*:/, '')
  const bare = spec.replace(/"(?:[^"\\]|\\.)*"/g, 'quoted')
  const [local, domain, more] = bare.split('@')
  if (local === undefined || domain === undefined || more !== undefined)
    return syntaxFault('From has an address without exactly one domain')
  return parseDomain(domain.replace(/\s+/g, ''))
}
