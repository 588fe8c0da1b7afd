import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isSyntaxFault } from '../fault.ts'
import { type HeaderSection, scanHeaderSection } from '../message/header-section.ts'
import type { SignatureAlgorithm } from './algorithm.ts'
import { BodyHashes } from './body-hashes.ts'
import { fieldOccurrences, namedFields } from './field-occurrences.ts'
import { headerInput } from './header-input.ts'
import { formatKeyRecord, publicKeyText } from './key-record.ts'
import type { Canonicalisation } from './signature-tags.ts'

/** Key pairs that tests sign with, made once. */
export const pairs = {
  'rsa-sha256': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'ed25519-sha256': generateKeyPairSync('ed25519'),
}

/** The key record of a pair. */
export function recordOf(algorithm: SignatureAlgorithm, flags = ''): string {
  return formatKeyRecord(algorithm, publicKeyText(pairs[algorithm].publicKey)).replace('; p=', `;${flags} p=`)
}

/** A header section of octets, or of text whose characters are octets. */
export function scanned(header: string | Buffer): HeaderSection {
  const section = scanHeaderSection(typeof header === 'string' ? Buffer.from(header, 'latin1') : header)
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return section
}

/** RFC 8463 §3: Ed25519 signs the SHA-256 of the input. */
export function signOctets(input: Buffer, algorithm: SignatureAlgorithm, key: KeyObject): Buffer {
  return algorithm === 'rsa-sha256'
    ? sign('sha256', input, key)
    : sign(null, createHash('sha256').update(input).digest(), key)
}

/** How to sign: with whatever a test wants to be wrong. */
export type Signing = {
  readonly algorithm?: SignatureAlgorithm
  readonly header?: Canonicalisation
  readonly body?: Canonicalisation
  /** The text of `h=`. */
  readonly names?: string
  /** `l=`. */
  readonly length?: number
  /** Tags as text, in front of `h=`; each ends in `; `. */
  readonly tags?: string
  readonly field?: string
  /** Tags that the field begins with. */
  readonly first?: string
  readonly key?: KeyObject
}

/** A signature field over a header section and a body, with its CRLF; of any canonicalisation, so that verifying has all to chew on. */
export function signatureField(section: HeaderSection, body: Buffer, signing: Signing): string {
  const {
    algorithm = 'rsa-sha256',
    header = 'relaxed',
    body: bodyForm = 'relaxed',
    names = 'From:To:Subject',
  } = signing
  const { field = 'DKIM-Signature', first = 'v=1; d=acme.example; s=sel; ', tags = '', length = null } = signing
  const bodies = new BodyHashes()
  const wanted = bodies.want(bodyForm, length)
  bodies.update(body)
  const hash = wanted.read().digest ?? Buffer.alloc(32)
  const limit = length === null ? '' : `l=${length}; `
  const unsigned = `${field}: ${first}a=${algorithm}; c=${header}/${bodyForm}; ${tags}${limit}\r\n\th=${names};\r\n bh=${hash.toString('base64')}; b=`
  const listed = names.split(':').map((name) => name.trim().toLowerCase())
  const fields = namedFields(fieldOccurrences(section), listed, -1)
  const input = headerInput(section, fields, header, Buffer.from(unsigned, 'latin1'))
  const signature = signOctets(input, algorithm, signing.key ?? pairs[algorithm].privateKey).toString('base64')
  return `${unsigned}${signature.replace(/.{60}/g, '$&\r\n  ')}\r\n`
}

/** A whole message with one such signature on top. */
export function signedMessage(header: string, body: Buffer, signing: Signing = {}): Buffer {
  const field = signatureField(scanned(header), body, signing)
  return Buffer.concat([Buffer.from(`${field}${header}\r\n`, 'latin1'), body])
}

/** Header sections and bodies that canonicalisations have trouble with. */
export const headers: Readonly<Record<string, string>> = {
  plain:
    'From: Alice <alice@acme.example>\r\nTo: bob@far.example\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n',
  folded:
    'FROM:\t"Alice,\r\n  of Acme"\r\n\t<alice@acme.example>  \r\nSubject:  a \t subject\r\n  that\r\n\tgoes on\t\r\nTo:\r\n bob@far.example\r\n',
  repeated:
    'Received: one\r\nFrom: alice@acme.example\r\nReferences: <1@x>\r\nSubject: first\r\nTo: a@far.example\r\nSubject: second\r\nTo: b@far.example\r\n',
  eightBit: 'From: "\xc7i\xf0dem" <c@acme.example>\r\nTo: bob@far.example\r\nSubject: g\xfcnayd\xfdn  d\xfcnya\r\n',
}

export const bodies: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  emptyLinesAlone: Buffer.from('\r\n\r\n \t\r\n'),
  trailingEmptyLines: Buffer.from('Hello\r\n\r\n\r\n'),
  eightBit: Buffer.from('g\xfcn \xe7\xff\x80\r\n', 'latin1'),
  longLines: Buffer.from(`${'x'.repeat(5000)}\r\n${'word '.repeat(900)}\r\n`),
  whiteSpaceRuns: Buffer.from('  a \t  b\t\r\n\t\r\n   \r\n c\r\n'),
  noLineEndAtTheEnd: Buffer.from('no line end'),
  large: Buffer.from(`${'A line of a large body, with a few  blanks \r\n'.repeat(10_000)}\r\n\r\n`),
}
