import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { type HeaderSection, fieldsNamed } from '../message/header-section.ts'
import type { Domain } from '../names/domain.ts'
import type { SignatureAlgorithm } from './algorithm.ts'
import { headerInput } from './header-input.ts'
import { selectSignedFields } from './signed-fields.ts'

/** `x=` is this many seconds after `t=`: long enough for every queue on the way, short for a replay. */
export const signatureLifetime = 7 * 24 * 3600

const lineWidth = 76

export type SignatureRequest = {
  /** The header section as it will go out, but for the new field. */
  readonly section: HeaderSection
  /** `d=`: the author domain. */
  readonly domain: Domain
  readonly selector: string
  readonly algorithm: SignatureAlgorithm
  /** SHA-256 of the body under relaxed canonicalisation. */
  readonly bodyHash: Buffer
  /** `t=`: seconds since the epoch. */
  readonly signedAt: number
}

/** A signature that lacks only its `b=`. */
export type SignatureDraft = {
  /** The octets to sign (RFC 6376 §3.7): canonical fields, then the DKIM-Signature field with an empty `b=`. */
  readonly signingInput: Buffer
  /** The whole field, folded, with its CRLF: it goes in front of the header section. */
  complete(signature: Buffer): Buffer
}

/**
 * Drafts a DKIM-Signature: relaxed/relaxed, every signed field named once more than it occurs, no `l=` and no `i=`.
 * A section with a malformed field name, or without exactly one From, is a fault: what a verifier would make of it is anybody's guess.
 */
export function buildSignature(request: SignatureRequest): SignatureDraft | SyntaxFault {
  const { section } = request
  if (section.fields.some((field) => field.malformed !== null)) return syntaxFault('a field name is malformed')
  if (fieldsNamed(section, 'from').length !== 1) return syntaxFault('there is not exactly one From')
  const selection = selectSignedFields(section)
  const unsigned = unsignedField(request, selection.names)
  return {
    signingInput: headerInput(section, selection.fields, 'relaxed', Buffer.from(unsigned, 'latin1')),
    complete: (signature) =>
      Buffer.from(`${unsigned}${foldText(signature.toString('base64'), lineWidth - 4)}\r\n`, 'latin1'),
  }
}

/**
 * The field up to `b=`, which is the last tag and starts its own line: what follows is the signature alone, so that cutting it out
 * leaves these octets for every verifier.
 */
function unsignedField(request: SignatureRequest, names: readonly string[]): string {
  const tags = [
    'v=1;',
    `a=${request.algorithm};`,
    'c=relaxed/relaxed;',
    `d=${request.domain};`,
    `s=${request.selector};`,
    `t=${Math.floor(request.signedAt)};`,
    `x=${Math.floor(request.signedAt) + signatureLifetime};`,
  ]
  const lines = [...foldWords('DKIM-Signature:', tags, ' '), ...foldWords(' h=', nameWords(names), '')]
  return `${lines.join('\r\n')}\r\n bh=${request.bodyHash.toString('base64')};\r\n b=`
}

/** `from:`, `to:` and so on, each with the mark that follows it. */
function nameWords(names: readonly string[]): readonly string[] {
  return names.map((name, index) => (index === names.length - 1 ? `${name};` : `${name}:`))
}

function foldWords(first: string, words: readonly string[], between: string): readonly string[] {
  const lines: string[] = []
  let line = first
  let fresh = first.endsWith('=')
  for (const word of words) {
    const glue = fresh ? '' : between
    fresh = false
    if (line.length + glue.length + word.length > lineWidth) {
      lines.push(line)
      line = ` ${word}`
    } else {
      line += glue + word
    }
  }
  lines.push(line)
  return lines
}

function foldText(text: string, width: number): string {
  const lines: string[] = []
  for (let at = 0; at < text.length; at += width) lines.push(text.slice(at, at + width))
  return lines.join('\r\n ')
}
