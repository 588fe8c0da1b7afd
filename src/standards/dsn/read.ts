import {
  type Fields,
  type ReadMessage,
  type ReturnedMessage,
  asText,
  firstOf,
  readFields,
  readMessage,
  returnedIn,
} from '../mime/index.ts'
import type { DsnAction } from './report.ts'
import { readTextReport } from './read-text.ts'

/** One recipient of a report as a stranger's system tells it. Addresses are as they were written, without type and brackets. */
export type ReadRecipient = {
  readonly original: string | null
  readonly final: string | null
  readonly action: DsnAction
  /** `5.1.1`; null where none is told. */
  readonly status: string | null
  readonly remoteMta: string | null
  /** What a server said, without its type; at most 1,000 characters. */
  readonly diagnostic: string | null
}

/** A report of what became of a message. `form` tells whether it was written for machines (RFC 3464) or read out of words for people. */
export type ReadDsn = {
  readonly form: 'fields' | 'words'
  readonly envid: string | null
  readonly reportingMta: string | null
  readonly recipients: readonly ReadRecipient[]
  readonly returned: ReturnedMessage | null
}

const mostRecipients = 500
const longestText = 1000

/** Reads a report of delivery, standard or not; null when it is none. Never throws, and takes time in proportion to its length. */
export function readDsn(message: Buffer): ReadDsn | null {
  const read = readMessage(message)
  return readFieldsReport(read) ?? readTextReport(read)
}

/** RFC 3464 §2.1: a group about the message, then one for each recipient, with an empty line between. */
function readFieldsReport(read: ReadMessage): ReadDsn | null {
  const part = read.parts.find(({ contentType }) => /^message\/(?:global-)?delivery-status$/.test(contentType.type))
  if (part === undefined) return null
  const groups = groupsOf(part.text)
  const recipients = groups.flatMap(({ fields }) => recipientOf(fields)).slice(0, mostRecipients)
  if (recipients.length === 0) return null
  const about = groups[0]?.fields ?? new Map<string, readonly string[]>()
  return {
    form: 'fields',
    envid: firstOf(about, 'original-envelope-id'),
    reportingMta: untyped(firstOf(about, 'reporting-mta')),
    recipients,
    returned: returnedIn(read),
  }
}

function groupsOf(text: string): readonly { readonly fields: Fields }[] {
  const groups: { readonly fields: Fields }[] = []
  let rest = text.replace(/^\n+/, '')
  while (rest !== '' && groups.length <= mostRecipients) {
    const read = readFields(rest)
    groups.push(read)
    // An empty line or several: the next group begins behind them.
    rest = read.rest.replace(/^\s+/, '')
  }
  return groups
}

const actions: Readonly<Record<string, DsnAction>> = {
  failed: 'failed',
  failure: 'failed',
  delayed: 'delayed',
  delivered: 'delivered',
  relayed: 'relayed',
  expanded: 'expanded',
}

function recipientOf(fields: Fields): readonly ReadRecipient[] {
  const final = address(firstOf(fields, 'final-recipient'))
  const original = address(firstOf(fields, 'original-recipient'))
  const word = /^[a-z]+/.exec((firstOf(fields, 'action') ?? '').toLowerCase())?.[0] ?? ''
  const status = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(firstOf(fields, 'status') ?? '')?.[1] ?? null
  const action = actions[word] ?? (status?.startsWith('5') === true ? 'failed' : null)
  if (action === null || (final === null && original === null)) return []
  const said = untyped(firstOf(fields, 'diagnostic-code'))
  const diagnostic = said === null || said === '' ? null : asText(said).replace(/\s+/g, ' ').slice(0, longestText)
  return [{ original, final, action, status, remoteMta: untyped(firstOf(fields, 'remote-mta')), diagnostic }]
}

/** What stands behind `rfc822;` or another type. */
function untyped(value: string | null): string | null {
  return value === null ? null : value.replace(/^[A-Za-z0-9-]{1,40}[ \t]{0,20};[ \t]{0,20}/, '').trim()
}

function address(value: string | null): string | null {
  const text = asText(untyped(value) ?? '')
  const bare = /<([^<>]{1,320})>/.exec(text.slice(0, 1000))?.[1] ?? text
  return bare === '' || bare.length > 320 ? null : bare.trim()
}
