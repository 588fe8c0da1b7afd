import { cleanHeader } from '../../../src/path/delivery/outbound/header-hygiene.ts'
import { readM365 } from '../../../src/path/evidence/m365/read-m365.ts'
import { isTrustField, readTrustFields } from '../../../src/path/evidence/m365/trust-fields.ts'
import { buildSignature } from '../../../src/standards/dkim/build-signature.ts'
import { readSigningInput } from '../../../src/standards/dkim/signing-input.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { readAuthor, readMailboxes } from '../../../src/standards/message/author.ts'
import { parseDateTime } from '../../../src/standards/message/date-time.ts'
import { decodeEncodedWords } from '../../../src/standards/message/encoded-words.ts'
import {
  type HeaderSection,
  fieldValue,
  fieldsNamed,
  rawFieldValue,
  scanHeaderSection,
} from '../../../src/standards/message/header-section.ts'
import { parseReceived } from '../../../src/standards/message/received.ts'
import { isAutomatic, isReport } from '../../../src/standards/message/shape.ts'
import type { Mailbox } from '../../../src/standards/names/mailbox.ts'
import { type Target, must } from '../target.ts'

/** A header section: scanned, its author and its trust fields read, cleaned, and signed. */
export const header: Target = {
  name: 'header',
  weight: 16,
  longest: 60_000,
  seeds: [
    'From: Ann <ann@acme.example>\r\nTo: c@d.example\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\n hello\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n',
    'Received: from a.example ([192.0.2.1]) by b.example with ESMTPS; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)\r\nFrom: "Ann, Acme" <ann@acme.example>\r\nSender: x@acme.example\r\n',
    'From: ann@acme.example (Ann)\r\nX-OriginatorOrg: acme.example\r\nX-MS-Exchange-CrossTenant-id: 3dd8961f-e488-4e60-8e11-a82d994e183d\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\nX-MS-Exchange-CrossTenant-FromEntityHeader: Hosted\r\n',
    'Content-Type: multipart/report; report-type=delivery-status\r\nAuto-Submitted: auto-replied\r\nFrom: <postmaster@acme.example>\r\nBcc: hidden@d.example\r\n',
    'From: "a\\"b" <"x y"@acme.example>\r\nDKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=x; h=from:to; bh=; b=\r\nAuthentication-Results: relay.example; dkim=pass\r\n',
  ],
  words: [
    'From: ',
    'From : ',
    'from:',
    '\r\nFrom: b@evil.example\r\n',
    'Sender: ',
    '\r\n\t',
    'X-OriginatorOrg: acme.example\r\n',
    'X-MS-Exchange-CrossTenant-id: ',
    '<b@evil.example>',
    ', b@evil.example',
    'group:;',
    '(b@evil.example)',
    '=?utf-8?B?PGJAZXZpbC5leGFtcGxlPg==?=',
  ],
  check(input, chance) {
    const limits = { maxBytes: chance.pick([200, 262_144]), maxFields: chance.pick([3, 1000]) }
    const section = scanHeaderSection(input, limits)
    if (isSyntaxFault(section)) return
    must(input.length <= limits.maxBytes && section.fields.length <= limits.maxFields, 'a section keeps to its limits')
    mustTile(section)
    readEverything(section)
    const author = readAuthor(section, { smtputf8: chance.happens(0.5) })
    if (!isSyntaxFault(author)) mustBeOneAuthor(section, author)
    mustBeClean(section, isSyntaxFault(author) ? null : author)
  },
}

function mustTile({ bytes, fields }: HeaderSection): void {
  let at = 0
  for (const field of fields) {
    must(field.start === at && field.end > field.start, 'each field begins where the one before ends')
    must(
      field.nameEnd >= field.start && field.valueStart >= field.nameEnd && field.valueStart <= field.end,
      'offsets are in order',
    )
    must(bytes.toString('latin1', field.end - 2, field.end) === '\r\n', 'each field ends in CRLF')
    at = field.end
  }
  must(at === bytes.length && fields.length > 0, 'the fields are the whole section')
}

function readEverything(section: HeaderSection): void {
  isReport(section)
  isAutomatic(section)
  const trust = readTrustFields(section)
  const known = section.fields.filter((field) => isTrustField(field) && field.malformed === null)
  const twice = known.some((field, at) => known.findIndex((one) => one.name === field.name) !== at)
  must(!twice || trust.duplicates.length > 0, 'a trust field that stands twice is told')
  readM365(trust, null)
  for (const field of section.fields) {
    const value = fieldValue(section, field)
    must(!/^[ \t]|[ \t]$/.test(value), 'a value has no blanks around it')
    parseReceived(value)
    parseDateTime(value)
    const words = decodeEncodedWords(value, 200)
    must(words.length <= 200 && !/[\0-\x1f\x7f-\x9f]/.test(words), 'words for people are short and have no controls')
    readMailboxes(section, field, { smtputf8: true })
  }
}

/** Without quoted strings and comments an accepted From holds one `@`, nothing that separates, and one field has the name. */
function mustBeOneAuthor(section: HeaderSection, author: Mailbox): void {
  const from = fieldsNamed(section, 'from')
  const [only] = from
  must(from.length === 1 && only !== undefined, 'there is one From field')
  const bare = rawFieldValue(section, only)
    .toString('utf8')
    .replace(/"(?:[^"\\]|\\.)*"/gs, '')
    .replace(/\([^()]*\)/g, '')
  must(bare.split('@').length === 2, `an accepted From has one mailbox: ${JSON.stringify(bare)}`)
  must(!/[,;:]/.test(bare), 'an accepted From is no list and no group')
  must(bare.toLowerCase().normalize().includes('@'), 'an accepted From has an address')
  must(!/[\s\p{Cc}]/u.test(author.domain), 'a domain is a word')
}

/** What goes out still is a header section, has the same author and no trust field, and the signer can read what it is to sign. */
function mustBeClean(section: HeaderSection, author: Mailbox | null): void {
  const { header: left } = cleanHeader(section)
  if (left.length === 0) return
  const clean = scanHeaderSection(left, { maxBytes: left.length, maxFields: Infinity })
  must(!isSyntaxFault(clean), 'a cleaned header section is one')
  must(!clean.fields.some(isTrustField), 'no trust field goes out')
  must(fieldsNamed(clean, 'bcc').length === 0, 'no Bcc goes out')
  if (author === null) return
  const again = readAuthor(clean, { smtputf8: true })
  must(!isSyntaxFault(again) && again.domain === author.domain, 'cleaning leaves the author')
  const draft = buildSignature({
    section: clean,
    domain: author.domain,
    selector: 'a',
    algorithm: 'rsa-sha256',
    bodyHash: Buffer.alloc(32),
    signedAt: 1_795_000_000,
  })
  if (isSyntaxFault(draft)) return
  const read = readSigningInput(draft.signingInput)
  must(!isSyntaxFault(read), `the signer reads what we build: ${isSyntaxFault(read) ? read.reason : ''}`)
  must(read.author === author.domain && read.signature.domain === author.domain, 'the signer sees the same author')
}
