import { type ReadMessage, type ReturnedMessage, asText, firstOf, readFields, returnedIn } from '../mime/index.ts'
import { classOfReply } from '../smtp/reply-class.ts'
import type { ReadDsn, ReadRecipient } from './read.ts'

const daemon =
  /mailer-?daemon|postmaster|mail ?delivery|maildelivery|mail-daemon|mdaemon|system administrator|mail administrator/i
const subjects =
  /undeliver|undelivered|delivery (?:status|failure|has failed|report|notification)|delivery .{0,20}fail|returned mail|mail delivery|failure notice|non.?remis|unzustellbar|could ?n.t be delivered|not delivered|returned to sender|message not delivered/i
const delays = /delay|warning|not yet been delivered|still being retried|will (?:be )?retr|verz\u00f6ger/i

/** Where words end and the returned message begins, as Exim, qmail, Sendmail, Exchange, Gmail and others write it. */
const separators =
  /^(?:-{2,12} ?(?:this is a copy of|below this line is a copy|original message|message header follows|unsent message below|the header of the original|returned message|begin message|message text follows|original mail)|original message (?:headers?|follows)|-{3,12} ?forwarded message|received: from |return-path: )/im

/** How much of the words is looked at: what happened stands at their beginning. */
const mostWords = 20_000
const mostRecipients = 20

/**
 * Reads a report that was written for people only: qmail's, older Exim's, Exchange's and Gmail's. It takes a sender or a subject of a
 * mail system and words that refuse; an automatic answer of a person is none.
 */
export function readTextReport(read: ReadMessage): ReadDsn | null {
  const { fields } = read
  const failed = listed(firstOf(fields, 'x-failed-recipients'))
  const from = firstOf(fields, 'from') ?? ''
  const subject = firstOf(fields, 'subject') ?? ''
  const ofReport = read.contentType.parameters.get('report-type')?.toLowerCase() === 'delivery-status'
  if (failed.length === 0 && !ofReport && !(daemon.test(from.slice(0, 300)) || subjects.test(subject.slice(0, 300)))) {
    return null
  }
  const { words, returned } = cutWords(read)
  const said = refusalIn(words)
  if (said === null && failed.length === 0) return null
  const own = new Set([...addressesIn(from), ...addressesIn((fields.get('to') ?? []).join(' '))])
  const found = failed.length > 0 ? failed : recipientsIn(words, own, returned)
  if (found.length === 0) return null
  const action = said?.status?.startsWith('4') === true || delays.test(subject) ? 'delayed' : 'failed'
  const recipients = found.map((address): ReadRecipient => ({
    original: null,
    final: address,
    action,
    status: said?.status ?? null,
    remoteMta: null,
    diagnostic: said?.words ?? null,
  }))
  return { form: 'words', envid: null, reportingMta: null, recipients, returned }
}

function cutWords(read: ReadMessage): { readonly words: string; readonly returned: ReturnedMessage | null } {
  const part = read.parts.find(({ contentType }) => contentType.type === 'text/plain') ?? read.parts[0]
  const text = part?.text ?? ''
  const cut = separators.exec(text.slice(0, mostWords))
  const words = asText(text.slice(0, cut?.index ?? mostWords))
  const enclosed = returnedIn(read)
  return { words, returned: enclosed ?? (cut === null ? null : headersBehind(text.slice(cut.index))) }
}

/** The fields behind a separator: of what begins with a line that is one. */
function headersBehind(text: string): ReturnedMessage | null {
  const first = /^(?:[A-Za-z][A-Za-z0-9-]{1,60}): ?\S/m.exec(text.slice(0, 4000))
  if (first === null) return null
  const { fields } = readFields(text.slice(first.index).replace(/^[ \t]{1,8}(?=[A-Za-z-]{2,60}:)/gm, ''))
  return fields.has('message-id') || fields.has('received') || fields.has('from') ? { fields } : null
}

const coded =
  /(?<![\d.])([45]\d\d)(?:[ -]+|[ -]*#)(?:[45]\d\d[ -]+)?(?:#?([45]\.\d{1,3}\.\d{1,3}))?|#?(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/

type Refused = { readonly status: string | null; readonly words: string }

/** The first thing that reads as a server's refusal: with a code, or in words that are known. */
function refusalIn(words: string): Refused | null {
  const paragraphs = words
    .split(/\n[ \t]*\n/)
    .map((text) => text.replace(/\s+/g, ' ').trim())
    .slice(0, 60)
  for (const text of paragraphs) {
    const match = coded.exec(text)
    if (match === null) continue
    const status = match[2] ?? match[3] ?? (match[1]?.startsWith('4') === true ? '4.0.0' : '5.0.0')
    return { status, words: text.slice(Math.max(0, match.index - 60), match.index + 500) }
  }
  const known = paragraphs.find((text) => classOfReply({ code: null, enhanced: null, text }) !== 'unclear')
  return known === undefined ? null : { status: null, words: known.slice(0, 500) }
}

const addressPattern = /[^\s<>()[\]"',;:@\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?/g

function addressesIn(text: string): readonly string[] {
  return [...text.slice(0, mostWords).matchAll(addressPattern)].map(([address]) => address.toLowerCase())
}

function listed(value: string | null): readonly string[] {
  return value === null ? [] : [...new Set(addressesIn(value))].slice(0, mostRecipients)
}

/** Addresses that begin a line come first: there reports put whom they are about. Else the only recipient of what was returned. */
function recipientsIn(words: string, own: ReadonlySet<string>, returned: ReturnedMessage | null): readonly string[] {
  const stranger = (address: string): boolean => !own.has(address) && !daemon.test(address)
  const leading = words
    .split('\n', 2000)
    .flatMap((line) => addressesIn(/^[\s>*]{0,40}<?[^\s@<>]{1,64}@[^\s<>]{1,255}/.exec(line)?.[0] ?? '').slice(0, 1))
    .filter(stranger)
  if (leading.length > 0) return [...new Set(leading)].slice(0, mostRecipients)
  const to = addressesIn((returned?.fields.get('to') ?? []).join(' '))
  if (to.length === 1) return to
  return [...new Set(addressesIn(words).filter(stranger))].slice(0, 1)
}
