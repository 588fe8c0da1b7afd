import type { LedgerEvent } from '../../../rooms/ledger/index.ts'
import { formatMailbox } from '../../../standards/names/mailbox.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Notify } from '../../../standards/smtp/notify.ts'
import type { DecisionId, PermitRecord } from '../../decision/decision.ts'
import type {
  Entry,
  Envelope,
  Hold,
  HoldEnd,
  ManualRoute,
  Outcome,
  QueueRow,
  RecipientState,
  StoredMessage,
} from '../custody.ts'
import type { BodyFile } from './body-files.ts'
import type { EntryRow, EventRow, ListedRow, MessageRow, OutcomeRow, RecipientRow, RecipientStateRow } from './wire.ts'

/** An entry as a row whose bytes begin at `at` among those of its request. */
export function entryRow(entry: Entry, at: number, bodyFile: BodyFile | null): EntryRow {
  const { permit, envelope } = entry
  return {
    id: entry.id,
    hold: entry.hold,
    customer: permit.customer,
    source: permit.source,
    domain: permit.domain,
    reversePath: envelope.reversePath === null ? '' : formatMailbox(envelope.reversePath),
    arrivedAt: envelope.arrival.at,
    size: entry.size,
    permit: JSON.stringify(permit),
    envelope: JSON.stringify(envelope),
    recipients: entry.recipients.map(recipientRow),
    at,
    hashSize: entry.relaxedBodyHash.length,
    headerSize: entry.header.length,
    bodySize: bodySize(entry),
    bodyFile,
  }
}

/** The bytes of an entry in the order that its row says. */
export function entryBytes(entry: Entry, bodyFile: BodyFile | null): readonly Buffer[] {
  const front = [entry.relaxedBodyHash, entry.header]
  return bodyFile === null ? [...front, ...entry.body] : front
}

export function bodySize(entry: Entry): number {
  let size = 0
  for (const piece of entry.body) size += piece.length
  return size
}

function recipientRow({ index, mailbox, notify, orcpt }: Entry['recipients'][number]): RecipientRow {
  return [index, mailbox.localPart, mailbox.domain, notify === null ? null : JSON.stringify(notify), orcpt]
}

export function eventRow({ at, kind, id, customer, source, detail }: LedgerEvent): EventRow {
  return [at, kind, id, customer, source, JSON.stringify(detail)]
}

export function outcomeRow(outcome: Outcome): OutcomeRow {
  const { index, reply } = outcome
  switch (outcome.kind) {
    case 'delivered':
    case 'failed':
    case 'cancelled':
      return { index, state: outcome.kind, reply }
    case 'retry': {
      const { dueAt, attempted, delayNotified = false } = outcome
      return { index, state: 'pending', reply, dueAt, attempted, delayNotified }
    }
  }
}

/** Throws when the stored text is not the JSON that was stored; its checksum was right, so that would be a fault of ours. */
export function storedMessage(row: MessageRow): StoredMessage {
  return {
    id: row.id as DecisionId,
    permit: JSON.parse(row.permit) as PermitRecord,
    envelope: JSON.parse(row.envelope) as Envelope,
    recipients: row.recipients.map(recipientState),
    header: asBuffer(row.header),
    relaxedBodyHash: asBuffer(row.relaxedBodyHash),
    size: row.size,
    hold: row.state === 'held' ? holdOf(row) : null,
    ...(row.route === null ? {} : { route: routeOf(row.route) }),
  }
}

function holdOf({ reason, holdUntil, holdOwner, holdThen }: MessageRow): Hold {
  return {
    reason: reason ?? '',
    until: holdUntil ?? 0,
    ...(holdOwner === null ? {} : { owner: holdOwner }),
    ...(holdThen === null ? {} : { atEnd: holdThen as HoldEnd }),
  }
}

function routeOf(text: string): ManualRoute {
  return JSON.parse(text) as ManualRoute
}

function recipientState(row: RecipientStateRow): RecipientState {
  return {
    index: row.position,
    mailbox: mailboxOf(row),
    notify: row.notify === null ? null : (JSON.parse(row.notify) as Notify),
    orcpt: row.orcpt,
    state: row.state as RecipientState['state'],
    attempts: row.attempts,
    dueAt: row.dueAt,
    lastReply: row.lastReply,
    delayNotified: row.delayNotified === 1,
  }
}

export function queueRow(row: ListedRow): QueueRow {
  return {
    id: row.id as DecisionId,
    state: row.state as QueueRow['state'],
    reason: row.reason,
    customer: row.customer,
    source: row.source,
    domain: row.domain,
    reversePath: row.reversePath,
    recipients: row.recipients.map((recipient) => ({
      address: formatMailbox(mailboxOf(recipient)),
      state: recipient.state,
      attempts: recipient.attempts,
      dueAt: recipient.dueAt,
      lastReply: recipient.lastReply,
    })),
    size: row.size,
    arrivedAt: row.arrivedAt,
    heldUntil: row.holdUntil,
    holdOwner: row.holdOwner,
    holdThen: row.holdThen as HoldEnd | null,
    route: row.route === null ? null : routeOf(row.route),
  }
}

function mailboxOf({ localPart, domain }: RecipientStateRow): RecipientState['mailbox'] {
  return { localPart, domain: domain as Domain }
}

/** What crossed from a thread is a plain Uint8Array. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
