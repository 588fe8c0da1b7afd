import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** How much of a header section is read at all. */
export type HeaderLimits = {
  /** Octets of the whole section. */
  readonly maxBytes: number
  readonly maxFields: number
}

export const defaultHeaderLimits: HeaderLimits = { maxBytes: 262_144, maxFields: 1000 }

/**
 * One header field as offsets into the section (RFC 5322 §2.2). `start` to `end` is the whole field with its final CRLF; the value runs
 * from `valueStart`, just behind the colon, to `end`.
 */
export type HeaderField = {
  /** Lower case, without blanks around or folding inside: what the field would be taken for, even when it is malformed. */
  readonly name: string
  readonly start: number
  /** Behind the last octet of the name, blanks before the colon not counted. */
  readonly nameEnd: number
  readonly valueStart: number
  readonly end: number
  /** Why the name is not RFC 5322 §3.6.8 `field-name ":"`, or null. */
  readonly malformed: NameFault | null
}

export type NameFault =
  | 'the field name is empty'
  | 'the field name has a blank before the colon'
  | 'the field name has a blank inside'
  | 'the field name has a control character'
  | 'the field name has an octet above 127'
  | 'the line is no header field: it has no colon'

/** A header section scanned once. `bytes` is the buffer that was given, not a copy. */
export type HeaderSection = {
  readonly bytes: Buffer
  readonly fields: readonly HeaderField[]
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const DELETE = 127

/**
 * Scans a header section into fields in one pass. `header` holds whole lines, each ending in CRLF, without the empty line that ends the
 * section. Malformed names are reported per field, since whoever looks for forged fields must see them too; a section that cannot be cut
 * into fields at all (empty, over a limit, a bare CR or LF, a first line that continues nothing) is a fault.
 */
export function scanHeaderSection(
  header: Buffer,
  limits: HeaderLimits = defaultHeaderLimits,
): HeaderSection | SyntaxFault {
  if (header.length === 0) return syntaxFault('there is no header section')
  if (header.length > limits.maxBytes) return syntaxFault(`the header section is longer than ${limits.maxBytes} octets`)
  if (isBlank(header[0])) return syntaxFault('the header section starts with a continuation line', 0)
  const fields: HeaderField[] = []
  let start = 0
  while (start < header.length) {
    if (fields.length === limits.maxFields)
      return syntaxFault(`the header section has more than ${limits.maxFields} fields`, start)
    const end = fieldEnd(header, start)
    if (typeof end !== 'number') return end
    if (end === start + 2) return syntaxFault('the header section has an empty line', start)
    fields.push(readField(header, start, end))
    start = end
  }
  return { bytes: header, fields }
}

/** Fields of one name (given in lower case) in the order in which they stand, whatever is malformed about them. */
export function fieldsNamed(section: HeaderSection, name: string): readonly HeaderField[] {
  return section.fields.filter((field) => field.name === name)
}

/** The value as it stands between the colon and the final CRLF, folding and all: a view, not a copy. */
export function rawFieldValue(section: HeaderSection, field: HeaderField): Buffer {
  return section.bytes.subarray(field.valueStart, Math.max(field.valueStart, field.end - 2))
}

/** The value unfolded (RFC 5322 §2.2.3) and without blanks around it, as UTF-8 (RFC 6532); octets that are no UTF-8 read as U+FFFD. */
export function fieldValue(section: HeaderSection, field: HeaderField): string {
  return trimBlanks(unfold(rawFieldValue(section, field).toString('utf8')))
}

/** Takes out each line break that a blank follows (RFC 5322 §2.2.3). */
export function unfold(value: string): string {
  return value.includes('\r\n') ? value.replace(/\r\n(?=[ \t])/g, '') : value
}

/** Without SP and TAB at either end; no other white space counts as blank in a header. */
export function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

/** Whether any octet is above 127. */
export function hasEightBit(bytes: Buffer): boolean {
  for (const octet of bytes) if (octet > DELETE) return true
  return false
}

/** Where the field that begins at `start` ends: behind the CRLF that no blank follows. */
function fieldEnd(header: Buffer, start: number): number | SyntaxFault {
  for (let at = start; at < header.length; at++) {
    const octet = header[at]
    if (octet === LF) return syntaxFault('the header section has a bare CR or LF', at)
    if (octet !== CR) continue
    if (header[at + 1] !== LF) return syntaxFault('the header section has a bare CR or LF', at)
    at++
    if (!isBlank(header[at + 1])) return at + 1
  }
  return syntaxFault('the header section does not end in CRLF', start)
}

function readField(header: Buffer, start: number, end: number): HeaderField {
  let colon = start
  while (colon < end && header[colon] !== COLON) colon++
  if (colon === end) {
    const nameEnd = end - 2
    const fault = 'the line is no header field: it has no colon'
    return { name: nameText(header, start, nameEnd), start, nameEnd, valueStart: nameEnd, end, malformed: fault }
  }
  let nameEnd = colon
  while (nameEnd > start && isBlankOrBreak(header[nameEnd - 1])) nameEnd--
  const malformed = nameEnd === start ? 'the field name is empty' : nameFault(header, start, nameEnd, colon)
  const name =
    malformed === null ? header.toString('latin1', start, nameEnd).toLowerCase() : nameText(header, start, nameEnd)
  return { name, start, nameEnd, valueStart: colon + 1, end, malformed }
}

/** The worst that is wrong with a name, or null. Octets count one by one, so what an encoding would make of them does not matter. */
function nameFault(header: Buffer, start: number, nameEnd: number, colon: number): NameFault | null {
  let blank = false
  for (let at = start; at < nameEnd; at++) {
    const octet = header[at] ?? 0
    if (octet > DELETE) return 'the field name has an octet above 127'
    if (isBlankOrBreak(octet)) blank = true
    else if (octet < SPACE || octet === DELETE) return 'the field name has a control character'
  }
  if (blank) return 'the field name has a blank inside'
  return nameEnd < colon ? 'the field name has a blank before the colon' : null
}

/** The name with folding and blanks taken out. */
function nameText(header: Buffer, start: number, nameEnd: number): string {
  return header
    .toString('latin1', start, nameEnd)
    .replace(/[\r\n\t ]+/g, '')
    .toLowerCase()
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB
}

function isBlankOrBreak(octet: number | undefined): boolean {
  return isBlank(octet) || octet === CR || octet === LF
}
