import { type HeaderField, type HeaderSection, fieldValue } from '../../../standards/message/header-section.ts'

/**
 * The fields that Exchange Online stamps and that we read: one table, since what is read must be counted and what is counted must be
 * known to whoever adds a reading. Names in lower case.
 */
export const trustFields = {
  originator: 'x-originatororg',
  organization: 'x-originatororganization',
  tenant: 'x-ms-exchange-crosstenant-id',
  authAs: 'x-ms-exchange-crosstenant-authas',
  authSource: 'x-ms-exchange-crosstenant-authsource',
  entity: 'x-ms-exchange-crosstenant-fromentityheader',
  mailboxType: 'x-ms-exchange-crosstenant-mailboxtype',
  arrival: 'x-ms-exchange-crosstenant-originalarrivaltime',
  networkMessageId: 'x-ms-exchange-crosstenant-network-message-id',
  attributed: 'x-ms-exchange-crosstenant-originalattributedtenantconnectingip',
  userPrincipal: 'x-ms-exchange-crosstenant-userprincipalname',
  stamped: 'x-ms-exchange-transport-crosstenantheadersstamped',
  senderAdCheck: 'x-ms-exchange-senderadcheck',
} as const

export type TrustField = keyof typeof trustFields

/** The trust fields of one message: values only of those that stand there exactly once, in their own name. */
export type TrustValues = {
  /** Lower-cased names that occur more than once, or in a form that some reader would take for the name. */
  readonly duplicates: readonly string[]
  value(field: TrustField): string | null
}

const encodedWord = /=\?[^?]{1,40}\?([BbQq])\?([^?]{0,200})\?=/g

// Letters of Cyrillic, Greek, Armenian and Latin Extended that are drawn like the Latin letter behind them.
const latinLookalikes = new Map(
  'а:a ɑ:a α:a с:c ϲ:c ԁ:d е:e є:e ε:e һ:h հ:h і:i ı:i ι:i ӏ:l ј:j к:k κ:k м:m η:n п:n ո:n о:o ο:o օ:o р:p ρ:p ɡ:g ց:g г:r ѕ:s т:t τ:t υ:u ս:u ν:v ѵ:v ԝ:w ѡ:w х:x χ:x у:y γ:y ɩ:i'
    .split(' ')
    .map((pair) => [pair.slice(0, -2), pair.slice(-1)] as const),
)

const bySkeleton: ReadonlyMap<string, string> = new Map(
  Object.values(trustFields).map((name) => [skeletonOf(name), name]),
)

/**
 * Counts trust fields over the raw octets. Position proves nothing: the stamps stand below the author's own fields, so neither the first
 * nor the last can be told to be Microsoft's, and only a count of one can.
 */
export function readTrustFields(section: HeaderSection): TrustValues {
  const exact = new Map<string, HeaderField>()
  const duplicates = new Set<string>()
  for (const field of section.fields) {
    if (isPlainlyOther(field)) continue
    const name = bySkeleton.get(skeletonOf(visibleName(section, field)))
    if (name === undefined) continue
    const isExact = field.name === name && field.malformed === null
    if (!isExact || exact.has(name)) duplicates.add(name)
    else exact.set(name, field)
  }
  return {
    duplicates: [...duplicates],
    value: (key) => {
      const name = trustFields[key]
      const field = exact.get(name)
      return field === undefined || duplicates.has(name) ? null : fieldValue(section, field)
    },
  }
}

/** Whether the field is a trust field in its own name (not a look-alike). */
export function isTrustField(field: HeaderField): boolean {
  return trustNames.has(field.name)
}

const trustNames: ReadonlySet<string> = new Set(Object.values(trustFields))

/** Whether a glance is enough: every skeleton starts with `x`, and a well-formed name keeps its first letter or digit. */
function isPlainlyOther(field: HeaderField): boolean {
  return field.malformed === null && /^[a-wyz0-9]/.test(field.name)
}

/** The name as a reader with UTF-8 and encoded words would see it. */
function visibleName(section: HeaderSection, field: HeaderField): string {
  if (field.malformed === null && !field.name.includes('=?')) return field.name
  return section.bytes.toString('utf8', field.start, field.nameEnd)
}

/**
 * What is left of a name when all is taken off that a careless reader takes off: case, blanks, line breaks, controls, hyphens of any
 * kind, underscores, marks, invisible characters, encoding; and letters of other scripts that look Latin become Latin. Two names with
 * one skeleton could be taken for each other.
 */
function skeletonOf(name: string): string {
  if (name.length > 500) return ''
  const plain = decodedName(name)
  const letters = isAscii(plain) ? plain.toLowerCase() : withLatinLetters(plain.normalize('NFKD').toLowerCase())
  return letters.replace(/[^a-z0-9]/g, '')
}

function decodedName(name: string): string {
  if (!name.includes('=?')) return name
  return name.replace(encodedWord, (_, encoding: string, payload: string) =>
    encoding.toLowerCase() === 'b'
      ? Buffer.from(payload, 'base64').toString('utf8')
      : payload.replace(/=([0-9A-Fa-f]{2})/g, (_octet, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  )
}

function withLatinLetters(text: string): string {
  return Array.from(text, (character) => latinLookalikes.get(character) ?? character).join('')
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
