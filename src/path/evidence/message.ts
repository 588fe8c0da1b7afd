import { readAuthor, readMailboxes } from '../../standards/message/author.ts'
import { decodeEncodedWords } from '../../standards/message/encoded-words.ts'
import {
  type HeaderField,
  type HeaderLimits,
  type HeaderSection,
  fieldsNamed,
  fieldValue,
  hasEightBit,
  rawFieldValue,
  scanHeaderSection,
} from '../../standards/message/header-section.ts'
import { readListMark } from '../../standards/message/one-click.ts'
import { type ReceivedHop, parseReceived } from '../../standards/message/received.ts'
import { isAutomatic, isReport, onlyValue } from '../../standards/message/shape.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { ReceivedMessage } from '../ingress/index.ts'
import type { MessageEvidence } from './evidence.ts'
import { isTrustField } from './m365/trust-fields.ts'

/** A message as far as its bytes tell by themselves; its class needs the connection too. */
export type MessageReading = {
  readonly section: HeaderSection | null
  readonly facts: Omit<MessageEvidence, 'class'>
}

type MessageBytes = Pick<ReceivedMessage, 'header' | 'size' | 'eightBit'>

const maxRecorded = 500
const maxHops = 10

const addressFields: ReadonlySet<string> = new Set(
  'from sender reply-to to cc bcc return-path disposition-notification-to resent-from resent-sender resent-to resent-cc resent-bcc resent-reply-to'.split(
    ' ',
  ),
)

const otherAuthorFields = ['sender', 'resent-from', 'resent-sender'] as const

/** Reads a message's header section once. Nothing here believes anything: it only says what stands there. */
export function readMessage(message: MessageBytes, limits: HeaderLimits, smtputf8: boolean): MessageReading {
  const section = scanHeaderSection(message.header, limits)
  if (isSyntaxFault(section)) return { section: null, facts: unreadable(message, section.reason) }
  const author = readAuthor(section, { smtputf8 })
  const received = fieldsNamed(section, 'received')
  const list = readListMark(section)
  const subject = onlyValue(section, 'subject')
  const messageId = onlyValue(section, 'message-id')
  return {
    section,
    facts: {
      size: message.size,
      malformed: malformation(section, message.eightBit && !smtputf8),
      author: isSyntaxFault(author)
        ? { kind: 'malformed', reason: author.reason }
        : { kind: 'mailbox', mailbox: author },
      otherAuthors: otherAuthors(section, smtputf8),
      report: isReport(section),
      automatic: isAutomatic(section),
      ...(list === null ? {} : { list }),
      subject: subject === null ? null : decodeEncodedWords(subject, maxRecorded),
      messageId: messageId === null ? null : messageId.slice(0, maxRecorded),
      receivedCount: received.length,
      received: received.slice(0, maxHops).map((field): ReceivedHop => parseReceived(fieldValue(section, field))),
    },
  }
}

function unreadable(message: MessageBytes, reason: string): MessageReading['facts'] {
  return {
    size: message.size,
    malformed: reason,
    author: { kind: 'malformed', reason },
    otherAuthors: [],
    report: false,
    automatic: false,
    subject: null,
    messageId: null,
    receivedCount: 0,
    received: [],
  }
}

/** Why the header section is not acceptable although it can be cut into fields, or null. */
function malformation(section: HeaderSection, eightBitForbidden: boolean): string | null {
  for (const field of section.fields) {
    if (field.malformed !== null) return field.malformed
    if (!eightBitForbidden || !(addressFields.has(field.name) || isTrustField(field))) continue
    if (hasEightBit(rawFieldValue(section, field)))
      return `the field ${field.name} has an octet above 127 without SMTPUTF8`
  }
  return null
}

/** One entry for each domain in each such field; a field that cannot be read is an entry without a domain. */
function otherAuthors(section: HeaderSection, smtputf8: boolean): MessageEvidence['otherAuthors'] {
  return otherAuthorFields.flatMap((name) =>
    fieldsNamed(section, name).flatMap((field) =>
      domainsIn(section, field, smtputf8).map((domain) => ({ field: name, domain })),
    ),
  )
}

function domainsIn(section: HeaderSection, field: HeaderField, smtputf8: boolean): readonly (Domain | null)[] {
  const mailboxes = readMailboxes(section, field, { smtputf8 })
  return isSyntaxFault(mailboxes) ? [null] : [...new Set(mailboxes.map(({ domain }) => domain))]
}
