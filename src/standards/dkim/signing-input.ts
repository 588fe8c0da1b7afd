import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { parseMailbox } from '../message/mailbox-list.ts'
import type { Domain } from '../names/domain.ts'
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
  const author = parseMailbox(from.value, { smtputf8: true })
  return isSyntaxFault(author) ? syntaxFault(`From: ${author.reason}`) : { author: author.domain, signature }
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
  if (!text.startsWith('v=1; ')) return 'v= is not 1 or does not stand first'
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
