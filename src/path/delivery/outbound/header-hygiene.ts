import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseTagList } from '../../../standards/dkim/tag-list.ts'
import { type HeaderField, type HeaderSection, fieldValue } from '../../../standards/message/header-section.ts'

/**
 * What is taken out of a header section before our signature goes on it, so that it lends its weight to nothing that we did not check.
 * A name ends in `*` where it stands for all that begin so.
 */
export const removedFields: readonly { readonly names: readonly string[]; readonly because: string }[] = [
  {
    names: ['x-ms-*', 'x-originatororg*', 'x-crosspremisesheaders*', 'x-organizationheaderspreserved'],
    because: "statements about the sending tenant, true only between the provider's servers and us",
  },
  {
    names: [
      'x-microsoft-antispam*',
      'x-forefront-*',
      'x-exchange-antispam-*',
      'x-eopattributedmessage',
      'x-eoptenantattributedmessage',
    ],
    because: 'verdicts of a filter on the way to us',
  },
  {
    names: [
      'authentication-results',
      'authentication-results-original',
      'received-spf',
      'x-authentication-results',
      'x-spam-*',
    ],
    because: 'results of checks on the way to us (RFC 8601 §5)',
  },
  { names: ['bcc', 'resent-bcc'], because: 'recipients that the others may not see (RFC 5322 §3.6.3)' },
  { names: ['return-path'], because: 'written at final delivery alone (RFC 5321 §4.4)' },
]

/**
 * Names that a reader may take for a trust field although the letters between them are others: `X_OriginatorOrg`, `X-Originator-Org`.
 * Compared by letters and digits alone.
 */
const lookAlikes = [
  'xmsexchange',
  'xoriginatororg',
  'xforefrontantispam',
  'xmicrosoftantispam',
  'authenticationresults',
]

/** Signatures that say nothing any more once a field that they cover is gone. */
const sealFields = ['dkim-signature', 'x-google-dkim-signature', 'domainkey-signature'] as const
const arcFields = ['arc-seal', 'arc-message-signature', 'arc-authentication-results'] as const

export type CleanHeader = {
  /** What is left, octet for octet. */
  readonly header: Buffer
  /** Names of the removed fields in lower case, in their order, each as often as it occurred. */
  readonly removed: readonly string[]
}

/**
 * Takes out the fields of the table, their look-alikes, and the signatures and ARC sets which that breaks. What stays is not re-flowed,
 * re-ordered or otherwise touched.
 */
export function cleanHeader(section: HeaderSection): CleanHeader {
  const gone = new Set(section.fields.filter((field) => isUnwanted(field.name)))
  for (let before = -1; before !== gone.size;) {
    before = gone.size
    for (const field of brokenBy(gone, section)) gone.add(field)
  }
  if (gone.size === 0) return { header: section.bytes, removed: [] }
  const left = section.fields.filter((field) => !gone.has(field))
  return {
    header: Buffer.concat(left.map((field) => section.bytes.subarray(field.start, field.end))),
    removed: section.fields.filter((field) => gone.has(field)).map((field) => field.name),
  }
}

const exact = new Set(removedFields.flatMap((row) => row.names).filter((name) => !name.endsWith('*')))
const prefixes = removedFields
  .flatMap((row) => row.names)
  .filter((name) => name.endsWith('*'))
  .map((name) => name.slice(0, -1))

function isUnwanted(name: string): boolean {
  if (exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) return true
  const letters = name.replace(/[^a-z0-9]/g, '')
  return lookAlikes.some((known) => letters.startsWith(known))
}

/** Signatures that cover a removed field; of ARC the whole chain, since a set counts only with all the others (RFC 8617 §5.2). */
function brokenBy(gone: ReadonlySet<HeaderField>, section: HeaderSection): readonly HeaderField[] {
  const names = new Set([...gone].map((field) => field.name))
  const left = section.fields.filter((field) => !gone.has(field))
  const broken = left.filter((field) => isOneOf(sealFields, field.name) && covers(section, field, names))
  const arc = left.filter((field) => isOneOf(arcFields, field.name))
  const arcBroken =
    arcFields.some((name) => names.has(name)) ||
    arc.some((field) => field.name === 'arc-message-signature' && covers(section, field, names))
  return arcBroken ? [...broken, ...arc] : broken
}

/** Whether `h=` names one of them. A signature whose tags can't be read verifies nowhere, so nothing breaks it. */
function covers(section: HeaderSection, field: HeaderField, names: ReadonlySet<string>): boolean {
  const tags = parseTagList(fieldValue(section, field))
  if (isSyntaxFault(tags)) return false
  return (tags.get('h') ?? '').split(':').some((name) => names.has(name.trim().toLowerCase()))
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}
