import { crc32 } from 'node:zlib'
import type {
  Charge,
  Depth,
  Hold,
  Lane,
  LaneRest,
  QueueFilter,
  QueueGroup,
  QueueGrouping,
  StateCounts,
} from '../custody.ts'
import type { StoredEvent } from '../../../rooms/ledger/index.ts'

/** What travels between the event loop and the threads: flat rows that the structured clone copies cheaply. */
export type EventRow = readonly [
  at: number,
  kind: string,
  id: string,
  customer: string | null,
  source: string | null,
  detail: string,
]

export type RecipientRow = readonly [
  index: number,
  localPart: string,
  domain: string,
  notify: string | null,
  orcpt: string | null,
]

/** The relaxed body hash, the header section and, without a file, the body stand one after the other in the bytes of the request, from `at` on. */
export type EntryRow = {
  readonly id: string
  readonly hold: Hold | null
  readonly customer: string
  readonly source: string
  readonly domain: string
  readonly reversePath: string
  readonly arrivedAt: number
  readonly size: number
  readonly permit: string
  readonly envelope: string
  readonly recipients: readonly RecipientRow[]
  readonly at: number
  readonly hashSize: number
  readonly headerSize: number
  readonly bodySize: number
  readonly bodyFile: { readonly name: string; readonly checksum: number } | null
}

export type OutcomeRow =
  | { readonly index: number; readonly state: 'delivered' | 'failed' | 'cancelled'; readonly reply: string }
  | {
      readonly index: number
      readonly state: 'pending'
      readonly reply: string
      readonly dueAt: number
      readonly attempted: boolean
      readonly delayNotified: boolean
    }

export type WriteRequest =
  | { readonly ask: 'remake-indexes' }
  | { readonly ask: 'accept'; readonly entry: EntryRow; readonly events: readonly EventRow[] }
  | { readonly ask: 'record'; readonly events: readonly EventRow[] }
  | {
      readonly ask: 'settle'
      readonly id: string
      readonly outcomes: readonly OutcomeRow[]
      readonly follow: readonly EntryRow[]
      readonly events: readonly EventRow[]
    }
  | {
      readonly ask: 'hold'
      readonly id: string
      readonly hold: Hold
      readonly events: readonly EventRow[]
    }
  | { readonly ask: 'hurry'; readonly id: string; readonly dueAt: number; readonly events: readonly EventRow[] }
  | {
      readonly ask: 'reroute'
      readonly id: string
      readonly route: string | null
      readonly dueAt: number
      readonly events: readonly EventRow[]
    }
  | { readonly ask: 'release'; readonly id: string; readonly dueAt: number; readonly events: readonly EventRow[] }
  | {
      readonly ask: 'set-aside'
      readonly id: string
      readonly what: string
      readonly at: number
      /** Whether to leave the message's own row alone, since its page may be the one that is damaged. */
      readonly blind: boolean
    }
  | { readonly ask: 'rest'; readonly lanes: readonly LaneRest[] }
  | { readonly ask: 'hasten'; readonly by: number }
  | { readonly ask: 'charge'; readonly charges: readonly Charge[] }
  | { readonly ask: 'trim'; readonly through: number }

export type WriteAnswers = {
  readonly 'remake-indexes': null
  readonly accept: 'stored' | 'storage-full'
  readonly record: null
  /**
   * `unused`: body files of entries that were not taken in, since what they follow from is already settled.
   * `aside`: a damaged page kept the outcomes from being written, so the message was set aside; the rest was done.
   */
  readonly settle: { readonly unused: readonly string[]; readonly aside: boolean }
  readonly hold: boolean
  readonly hurry: boolean
  readonly reroute: boolean
  readonly release: boolean
  readonly 'set-aside': boolean
  readonly rest: null
  readonly hasten: null
  readonly charge: null
  readonly trim: null
}

export type WriterOpened = { readonly aside: readonly string[] }

export type ReadRequest =
  | { readonly ask: 'lanes'; readonly now: number; readonly after: LanePlace | null; readonly limit: number }
  | { readonly ask: 'next-ready'; readonly now: number }
  | {
      readonly ask: 'waiting'
      readonly lane: number
      readonly until: number
      readonly after: WaitingPlace | null
      readonly limit: number
    }
  | { readonly ask: 'expired-holds'; readonly now: number; readonly limit: number }
  | { readonly ask: 'message'; readonly id: string }
  | { readonly ask: 'body'; readonly id: string }
  | { readonly ask: 'list'; readonly filter: QueueFilter; readonly after: string | null; readonly limit: number }
  | { readonly ask: 'find'; readonly id: string }
  | { readonly ask: 'count'; readonly filter: QueueFilter }
  | { readonly ask: 'summary'; readonly by: QueueGrouping }
  | { readonly ask: 'depth' }
  | { readonly ask: 'charges'; readonly since: number }
  | { readonly ask: 'outbox'; readonly after: number; readonly limit: number }

/** Where one goes on in the lanes that are ready. */
export type LanePlace = { readonly readyAt: number; readonly key: number }

/** Where one goes on within a lane. */
export type WaitingPlace = { readonly dueAt: number; readonly message: number }

export type WaitingRow = WaitingPlace & { readonly id: string }

export type RecipientStateRow = {
  readonly position: number
  readonly localPart: string
  readonly domain: string
  readonly notify: string | null
  readonly orcpt: string | null
  readonly state: string
  readonly attempts: number
  readonly dueAt: number
  readonly lastReply: string | null
  readonly delayNotified: number
}

export type MessageRow = {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly holdUntil: number | null
  readonly holdOwner: string | null
  readonly holdThen: string | null
  readonly route: string | null
  readonly size: number
  readonly permit: string
  readonly envelope: string
  readonly relaxedBodyHash: Uint8Array
  readonly header: Uint8Array
  readonly recipients: readonly RecipientStateRow[]
}

export type ListedRow = {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly customer: string
  readonly source: string
  readonly domain: string
  readonly reversePath: string
  readonly size: number
  readonly arrivedAt: number
  readonly holdUntil: number | null
  readonly holdOwner: string | null
  readonly holdThen: string | null
  readonly route: string | null
  readonly recipients: readonly RecipientStateRow[]
}

/** Why a message is set aside when a page that it needs is damaged. */
export const damagedPage = 'a page of the database that holds it is damaged'

/** Something that the disk says about one message and that is not what was stored. */
export type DamageFound = { readonly damage: string }

export type ReadAnswers = {
  readonly lanes: readonly Lane[]
  readonly 'next-ready': number | null
  readonly waiting: readonly WaitingRow[]
  readonly 'expired-holds': readonly string[]
  readonly message: MessageRow | DamageFound | null
  readonly body:
    | { readonly bytes: Uint8Array }
    | { readonly file: string; readonly size: number; readonly checksum: number }
    | DamageFound
    | null
  readonly list: readonly ListedRow[]
  readonly find: { readonly row: ListedRow; readonly header: Uint8Array | null } | null
  readonly count: StateCounts
  readonly summary: readonly QueueGroup[]
  readonly depth: Depth
  readonly charges: readonly Charge[]
  readonly outbox: readonly StoredEvent[]
}

/** Over all that must come back as it was written, in this order; the body has its own, since it is read by itself. */
export function checksumOf(
  permit: string,
  envelope: string,
  recipients: readonly RecipientRow[],
  hashAndHeader: Uint8Array,
): number {
  let text = `${permit}\n${envelope}`
  for (const [index, localPart, domain, notify, orcpt] of recipients) {
    text += `\n${index}\n${localPart}\n${domain}\n${notify ?? ''}\n${orcpt ?? ''}`
  }
  return crc32(hashAndHeader, crc32(text))
}
