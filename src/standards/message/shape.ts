import { isSyntaxFault } from '../fault.ts'
import { type HeaderSection, fieldsNamed, fieldValue, scanHeaderSection } from './header-section.ts'

// RFC 2045 §5.1: token "/" token, then parameters or nothing.
const reportType = /^multipart[ \t]{0,9}\/[ \t]{0,9}report[ \t]{0,9}(?:;|$)/i
// RFC 3834 §5: a keyword, then a comment or parameters or nothing.
const autoSubmitted = /^([A-Za-z0-9-]{1,40})[ \t]{0,9}(?:$|[;(])/

/** Whether the message calls itself a report (RFC 6522): one Content-Type field, of type multipart/report. */
export function isReport(section: HeaderSection): boolean {
  const value = onlyValue(section, 'content-type')
  return value !== null && reportType.test(value)
}

/** Whether the message says that no person sent it (RFC 3834 §5): one Auto-Submitted field with a keyword other than `no`. */
export function isAutomatic(section: HeaderSection): boolean {
  const value = onlyValue(section, 'auto-submitted')
  const keyword = value === null ? undefined : autoSubmitted.exec(value)?.[1]
  return keyword !== undefined && keyword.toLowerCase() !== 'no'
}

/** Whether a header section asks that the recipient's TLS policies do not count: one field `TLS-Required: No` (RFC 8689 §3). */
export function waivesTls(header: Buffer): boolean {
  const section = scanHeaderSection(header, { maxBytes: header.length, maxFields: Infinity })
  return !isSyntaxFault(section) && onlyValue(section, 'tls-required')?.trim().toLowerCase() === 'no'
}

/** The value of a field that occurs exactly once, unfolded; null when it is absent or repeated, since then readers disagree on it. */
export function onlyValue(section: HeaderSection, name: string): string | null {
  const [field, second] = fieldsNamed(section, name)
  return field === undefined || second !== undefined ? null : fieldValue(section, field)
}
