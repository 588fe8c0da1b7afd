import { createHash } from 'node:crypto'
import { type ReadArf, readArf } from '../../standards/arf/index.ts'
import { type ReadDsn, readDsn } from '../../standards/dsn/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseMailbox } from '../../standards/message/mailbox-list.ts'
import { type FeedbackId, readFeedbackId } from '../../standards/message/feedback-id.ts'
import { type ReturnedMessage, bareValues, firstOf } from '../../standards/mime/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { readReturnLocalPart } from '../../standards/return-path/index.ts'
import type { Secret } from '../../standards/secret.ts'
import type { StoredEvent } from '../ledger/index.ts'
import type { Enclosed } from './letterbox.ts'
import { type SentMessage, sentMessageOf } from './sent-message.ts'

/** What a piece is, as far as its octets tell. */
export type Reading =
  | { readonly kind: 'complaint'; readonly report: ReadArf }
  | { readonly kind: 'bounce'; readonly report: ReadDsn }
  | { readonly kind: 'other' }

/**
 * How a report was brought to its message. `token`: an address of ours with a MAC, which only who got the mail, or stands on its way, can
 * know. `trace`: the id in our Received field; `message-id`: the author's own. Both are text that many may have seen.
 */
export type Link = {
  readonly by: 'token' | 'trace' | 'message-id'
  /** Whether the token was in the envelope of the report, so that the report came back the way that mail systems send them. */
  readonly inEnvelope: boolean
  /** Position in the envelope, where the token names one recipient. */
  readonly recipient: number | null
  readonly message: SentMessage
}

export type Attribution = {
  readonly reading: Reading
  readonly link: Link | null
  /** Of a returned field of ours, where nothing names the message: whose stream of mail it is. */
  readonly stream: FeedbackId | null
}

export type AttributionOptions = {
  readonly returnPathKey: Secret<Buffer>
  readonly hostname: Domain
  /** The sender name that ends our Feedback-ID. */
  readonly sender: string
  readonly find: (id: string) => Promise<readonly StoredEvent[]>
  readonly sentAs: (messageId: Buffer) => string | null
}

function readPiece(message: Buffer): Reading {
  const complaint = readArf(message)
  if (complaint !== null) return { kind: 'complaint', report: complaint }
  const bounce = readDsn(message)
  return bounce === null ? { kind: 'other' } : { kind: 'bounce', report: bounce }
}

/** Finds the message that a piece is about: by a token before all, then by what is left of the message in it. */
export async function attribute(about: Enclosed, message: Buffer, options: AttributionOptions): Promise<Attribution> {
  const reading = readPiece(message)
  const returned = reading.kind === 'other' ? null : reading.report.returned
  const stream = returned === null ? null : streamOf(returned, options.sender)
  for (const candidate of candidatesOf(about, reading, returned, options)) {
    const sent = sentMessageOf(await options.find(candidate.id))
    if (sent !== null) return { reading, link: { ...candidate, message: sent }, stream }
  }
  return { reading, link: null, stream }
}

type Candidate = Omit<Link, 'message'> & { readonly id: string }

function* candidatesOf(
  about: Enclosed,
  reading: Reading,
  returned: ReturnedMessage | null,
  options: AttributionOptions,
): Generator<Candidate> {
  yield* tokensIn(about.recipients, true, about.at, options)
  if (reading.kind === 'other') return
  const paths = returned === null ? [] : bareValues(returned, 'return-path')
  const told = reading.kind === 'complaint' ? (reading.report.originalMailFrom ?? '') : ''
  yield* tokensIn([...paths, told], false, about.at, options)
  if (returned === null) return
  for (const id of tracesIn(returned, options.hostname)) {
    yield { id, by: 'trace', inEnvelope: false, recipient: null }
  }
  const messageId = firstOf(returned.fields, 'message-id')
  const id = messageId === null ? null : options.sentAs(messageIdKey(messageId))
  if (id !== null) yield { id, by: 'message-id', inEnvelope: false, recipient: null }
}

function* tokensIn(
  addresses: readonly string[],
  inEnvelope: boolean,
  at: number,
  { returnPathKey }: AttributionOptions,
): Generator<Candidate> {
  for (const text of addresses.slice(0, 20)) {
    const mailbox = parseMailbox(text, { smtputf8: false })
    if (isSyntaxFault(mailbox)) continue
    const token = readReturnLocalPart(returnPathKey, mailbox.localPart, mailbox.domain, at)
    if (isSyntaxFault(token)) continue
    yield { id: token.message, by: 'token', inEnvelope, recipient: token.recipient }
  }
}

/** Ids in Received fields of ours: the lowest stands for the first time that it passed us. */
function tracesIn({ fields }: ReturnedMessage, hostname: Domain): readonly string[] {
  const pattern =
    /by ([A-Za-z0-9._-]{1,255}) \(Anechoic\) with [A-Za-z0-9]{1,20} id ([0-9a-hjkmnp-tv-z]{16})(?![0-9a-z])/
  const ids = (fields.get('received') ?? []).slice(0, 100).flatMap((value) => {
    const [, by, id] = pattern.exec(value.replace(/\s+/g, ' ')) ?? []
    return id !== undefined && by?.toLowerCase() === hostname ? [id] : []
  })
  return [...new Set(ids)].slice(0, 5)
}

function streamOf({ fields }: ReturnedMessage, sender: string): FeedbackId | null {
  const id = readFeedbackId(firstOf(fields, 'feedback-id') ?? '')
  return id !== null && id.sender === sender ? id : null
}

/** What a Message-ID is remembered by: half of a hash, since the index holds every message of some weeks. */
export function messageIdKey(messageId: string): Buffer {
  return createHash('sha256').update(messageId.replace(/^<|>$/g, '').trim()).digest().subarray(0, 16)
}
