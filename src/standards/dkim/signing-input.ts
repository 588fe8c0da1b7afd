import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { signatureLifetime } from './build-signature.ts'
import { type SignatureTags, parseSignatureTags } from './signature-tags.ts'

/** What a signing input itself says, whoever handed it over. */
export type SigningInput = {
  /** The author domain, from the only From in it. */
  readonly author: Domain
  readonly signature: SignatureTags
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const signaturePrefix = 'dkim-signature:'
const canonicalName = /^[!-9;-@[-~]+$/

type Line = { readonly name: string; readonly value: string }

/**
 * Reads the octets that are to be signed (RFC 6376 §3.7) as `buildSignature` makes them: relaxed fields in the order of `h=`, each with
 * its CRLF, every name in `h=` once more than it occurs, one From, and at the end the signature's own field with an empty `b=`.
 * Anything else is a fault, also where RFC 6376 would allow it.
 */
export function readSigningInput(input: Buffer): SigningInput | SyntaxFault {
  const lines = readLines(input)
  if (isSyntaxFault(lines)) return lines
  const last = lines.pop()
  if (last === undefined || `${last.name}:` !== signaturePrefix)
    return syntaxFault('it does not end in a DKIM-Signature')
  const signature = parseSignatureTags(last.value)
  if (isSyntaxFault(signature)) return signature
  const gap = formGap(signature, last.value) ?? selectionGap(lines, signature.signedFields)
  if (gap !== null) return syntaxFault(gap)
  const [from, ...more] = lines.filter((line) => line.name === 'from')
  if (from === undefined || more.length > 0) return syntaxFault('there is not exactly one From')
  const author = authorDomain(from.value)
  return isSyntaxFault(author) ? author : { author, signature }
}

function readLines(input: Buffer): Line[] | SyntaxFault {
  const lines: Line[] = []
  let start = 0
  while (start <= input.length) {
    const found = input.indexOf(lineFeed, start)
    const end = found === -1 ? input.length : found - 1
    const firstReturn = input.indexOf(carriageReturn, start)
    if (firstReturn !== (found === -1 ? -1 : end)) return syntaxFault('it has a bare CR or LF')
    const text = input.toString('utf8', start, end)
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(colon, 0))
    if (!canonicalName.test(name)) return syntaxFault('a field name is not in canonical form')
    lines.push({ name, value: text.slice(colon + 1) })
    if (found === -1) return lines
    start = found + 1
  }
  return syntaxFault('it does not end in a DKIM-Signature')
}

function formGap(signature: SignatureTags, text: string): string | null {
  if (signature.headerCanonicalisation !== 'relaxed' || signature.bodyCanonicalisation !== 'relaxed') {
    return 'c= is not relaxed/relaxed'
  }
  if (signature.bodyLength !== null) return 'l= is present'
  if (signature.signature.length > 0 || !text.endsWith('; b=')) return 'b= is not empty or not last'
  if (signature.signedAt === null || signature.expiresAt === null) return 't= or x= is absent'
  return signature.expiresAt - signature.signedAt > signatureLifetime ? 'x= is too far from t=' : null
}

/** Whether the lines are what `h=` selects, with each name in `h=` once more than there are lines of it. */
function selectionGap(lines: readonly Line[], signedFields: readonly string[]): string | null {
  if (signedFields[0] !== 'from') return 'h= does not name From first'
  const spare = new Map<string, number>()
  let at = 0
  for (const name of signedFields) {
    if (lines[at]?.name === name) at++
    else spare.set(name, (spare.get(name) ?? 0) + 1)
  }
  if (at < lines.length) return 'the fields are not in the order of h='
  return signedFields.every((name) => spare.get(name) === 1)
    ? null
    : 'h= does not name each field once more than it occurs'
}

/**
 * The domain of the only address in the value of a From field. Quoted strings and comments are passed over as what they are; any other
 * mark that could make a second reading is a fault.
 */
function authorDomain(value: string): Domain | SyntaxFault {
  const bare = withoutQuotesAndComments(value)
  if (bare === null) return syntaxFault('From has an open quote or comment')
  if (/[,;:\\"()]/.test(bare)) return syntaxFault('From has more than one reading')
  const open = bare.indexOf('<')
  const address = open === -1 ? bare : bare.slice(open + 1, -1)
  const phrase = open === -1 ? '' : bare.slice(0, open)
  if (open !== -1 && !bare.endsWith('>')) return syntaxFault('From does not end with its address')
  if (/[<>@]/.test(phrase) || /[<>\s]/.test(address)) return syntaxFault('From has more than one reading')
  const [local, domain, ...rest] = address.split('@')
  if (!local || domain === undefined || rest.length > 0) return syntaxFault('From has not exactly one address')
  return parseDomain(domain)
}

/** Each quoted string becomes `q`, each comment nothing; null when one does not end. Blanks around the whole are taken off. */
function withoutQuotesAndComments(value: string): string | null {
  let kept = ''
  let quoted = false
  let depth = 0
  for (let at = 0; at < value.length; at++) {
    const mark = value[at]
    if (mark === '\\' && (quoted || depth > 0)) at++
    else if (quoted) quoted = mark !== '"'
    else if (mark === '(') depth++
    else if (mark === ')' && depth > 0) depth--
    else if (depth > 0) continue
    else if (mark === '"') {
      quoted = true
      kept += 'q'
    } else kept += mark
  }
  return quoted || depth > 0 ? null : kept.trim()
}
