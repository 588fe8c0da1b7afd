import {
  type Fields,
  type ReadMessage,
  type ReturnedMessage,
  firstOf,
  holdsReturned,
  readFields,
  readMessage,
  returnedIn,
} from '../mime/index.ts'

/** A report about one message by whoever got it (RFC 5965), as a stranger's system tells it. */
export type ReadArf = {
  /** `fields`: RFC 5965. `jmrp`: Microsoft's older form, a returned message alone. `words`: a text for people. */
  readonly form: 'fields' | 'jmrp' | 'words'
  /** `abuse`, `fraud`, `virus`, `not-spam`, `opt-out`, `auth-failure`, `other` or a word of its own, in lower case. */
  readonly feedbackType: string
  readonly userAgent: string | null
  readonly sourceIp: string | null
  readonly originalMailFrom: string | null
  readonly originalRcptTo: readonly string[]
  readonly reportedDomains: readonly string[]
  /** As it was written. */
  readonly arrival: string | null
  /** RFC 6591: `bodyhash`, `dmarc`, `spf` … */
  readonly authFailure: string | null
  readonly returned: ReturnedMessage | null
}

/** Feedback types that tell of somebody who did not want the mail (RFC 5965 §7.3, RFC 6430 is none). */
const complaints: ReadonlySet<string> = new Set([
  'abuse',
  'fraud',
  'virus',
  'other',
  'opt-out',
  'opt-out-list',
  'complaint',
])

export function isComplaint({ feedbackType }: ReadArf): boolean {
  return complaints.has(feedbackType)
}

/** Reads a feedback report, standard or not; null when it is none. Never throws, and takes time in proportion to its length. */
export function readArf(message: Buffer): ReadArf | null {
  const read = readMessage(message)
  return readFieldsReport(read) ?? readJmrp(read) ?? readWords(read)
}

function readFieldsReport(read: ReadMessage): ReadArf | null {
  const isReport = read.contentType.parameters.get('report-type')?.toLowerCase() === 'feedback-report'
  const part =
    read.parts.find(({ contentType }) => contentType.type === 'message/feedback-report') ??
    // Some gateways give the part another type on the way.
    read.parts.find(
      (one) => isReport && !holdsReturned(one) && /^feedback-type[ \t]{0,9}:/im.test(one.text.slice(0, 4000)),
    )
  if (part === undefined) return null
  const { fields } = readFields(part.text.replace(/^\s+/, ''))
  const type = firstOf(fields, 'feedback-type')
  if (type === null) return null
  return {
    form: 'fields',
    feedbackType: /^[a-z0-9-]{1,40}/.exec(type.toLowerCase())?.[0] ?? 'other',
    userAgent: firstOf(fields, 'user-agent'),
    sourceIp: firstOf(fields, 'source-ip'),
    originalMailFrom: bare(firstOf(fields, 'original-mail-from')),
    originalRcptTo: bares(fields, 'original-rcpt-to'),
    reportedDomains: bares(fields, 'reported-domain').map((domain) => domain.toLowerCase()),
    arrival: firstOf(fields, 'arrival-date') ?? firstOf(fields, 'received-date'),
    authFailure: firstOf(fields, 'auth-failure')?.toLowerCase() ?? null,
    returned: returnedIn(read),
  }
}

/** Outlook.com's older complaints are a returned message with the recipient in a field of it, and a subject that says what it is. */
function readJmrp(read: ReadMessage): ReadArf | null {
  const returned = returnedIn(read)
  const recipient = returned === null ? null : firstOf(returned.fields, 'x-hmxmroriginalrecipient')
  if (recipient === null) return null
  const address = /(?:message from|for ip) ([0-9a-f.:]{3,45})/i.exec(
    (firstOf(read.fields, 'subject') ?? '').slice(0, 300),
  )
  return {
    ...nothing,
    form: 'jmrp',
    feedbackType: 'abuse',
    sourceIp: address?.[1] ?? null,
    originalRcptTo: [recipient],
    returned,
  }
}

/** Exim's, SpamExperts' and others' reports that a message failed DMARC are words and a returned header. */
function readWords(read: ReadMessage): ReadArf | null {
  const words = read.parts.find(({ contentType }) => contentType.type === 'text/plain')?.text.slice(0, 4000) ?? ''
  if (
    !/message claiming to be from you has failed|this is an (?:e-?mail abuse|authentication failure|spf\/dkim) report/i.test(
      words,
    )
  ) {
    return null
  }
  const abuse = /abuse report/i.test(words)
  const sourceIp = /(?:received from|ip(?: address)?:?) ([0-9a-f.:]{3,45})/i.exec(words)?.[1] ?? null
  return {
    ...nothing,
    form: 'words',
    feedbackType: abuse ? 'abuse' : 'auth-failure',
    sourceIp,
    returned: returnedIn(read),
  }
}

const nothing: ReadArf = {
  form: 'words',
  feedbackType: 'other',
  userAgent: null,
  sourceIp: null,
  originalMailFrom: null,
  originalRcptTo: [],
  reportedDomains: [],
  arrival: null,
  authFailure: null,
  returned: null,
}

function bare(value: string | null): string | null {
  return value === null ? null : (/<([^<>]{0,320})>/.exec(value)?.[1] ?? value).trim()
}

function bares(fields: Fields, name: string): readonly string[] {
  return (fields.get(name) ?? []).flatMap((value) => bare(value) ?? []).slice(0, 100)
}
