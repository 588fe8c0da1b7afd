import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { Notify } from '../../standards/smtp/notify.ts'
import type { DecisionId, Permit, PermitRecord } from '../decision/decision.ts'
import type { LedgerEvent, StoredEvent } from '../../rooms/ledger/index.ts'

/** What is stored of a message besides its bytes. Plain JSON. */
export type Envelope = {
  readonly reversePath: Mailbox | null
  readonly smtputf8: boolean
  readonly eightBit: boolean
  /** REQUIRETLS (RFC 8689): only over connections that are proven to be protected, all the way. */
  readonly requireTls?: true
  readonly ret: 'FULL' | 'HDRS' | null
  readonly envid: string | null
  /** What our Received field says of the arrival (RFC 5321 §4.4). */
  readonly arrival: {
    readonly at: number
    readonly client: string
    readonly greeting: string
    readonly protocol:
      | 'SMTP'
      | 'ESMTP'
      | 'ESMTPS'
      | 'ESMTPA'
      | 'ESMTPSA'
      | 'UTF8SMTP'
      | 'UTF8SMTPS'
      | 'UTF8SMTPA'
      | 'UTF8SMTPSA'
      | 'local'
    readonly tls: string | null
  }
}

export type Recipient = {
  /** Position in the envelope, from 0; with the message id it names the recipient for ever. */
  readonly index: number
  readonly mailbox: Mailbox
  readonly notify: Notify | null
  readonly orcpt: string | null
}

/** What happens to a message whose hold runs out: its sender is told that nobody released it (`cancel`) or why it was held (`bounce`), or it goes on. */
export type HoldEnd = 'cancel' | 'release' | 'bounce'

export type Hold = {
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly until: number
  /** Who holds it, or who is to look at it. */
  readonly owner?: string
  /** `cancel` where it is left out. */
  readonly atEnd?: HoldEnd
}

/** Where a person sends one message instead of where its route or DNS would have it go. */
export type ManualRoute = {
  readonly host: string
  readonly port: number
  readonly tls: 'off' | 'opportunistic' | 'required'
}

/** A message to take custody of. `header` and `body` as in `ReceivedMessage`. */
export type Entry = {
  readonly id: DecisionId
  readonly permit: Permit
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly header: Buffer
  readonly body: readonly Buffer[]
  readonly relaxedBodyHash: Buffer
  readonly size: number
  readonly hold: Hold | null
}

/** A recipient of a stored message that is due, with its retry history. */
export type RecipientState = Recipient & {
  readonly state: 'pending' | 'delivered' | 'failed' | 'cancelled'
  readonly attempts: number
  /** Milliseconds since the epoch: when it is next due. */
  readonly dueAt: number
  readonly lastReply: string | null
  /** Whether a delay DSN was sent. */
  readonly delayNotified: boolean
}

export type StoredMessage = {
  readonly id: DecisionId
  readonly permit: PermitRecord
  readonly envelope: Envelope
  readonly recipients: readonly RecipientState[]
  readonly header: Buffer
  readonly relaxedBodyHash: Buffer
  readonly size: number
  readonly hold: Hold | null
  readonly route?: ManualRoute
}

/** What became of one recipient in one attempt. */
export type Outcome = { readonly index: number } & (
  | { readonly kind: 'delivered'; readonly reply: string }
  | { readonly kind: 'failed'; readonly reply: string }
  /** A person, or a hold that ran out, ended it; `reply` says why. */
  | { readonly kind: 'cancelled'; readonly reply: string }
  | {
      readonly kind: 'retry'
      readonly reply: string
      readonly dueAt: number
      readonly attempted: boolean
      readonly delayNotified?: boolean
    }
)

/** The mail of one customer for one recipient domain. */
export type Lane = {
  readonly key: number
  readonly destination: string
  readonly customer: string
  /** Nothing in it is due before. Milliseconds since the epoch. */
  readonly readyAt: number
  /** Until when it was last let rest; 0 when never, or when that was put right. */
  readonly parkedUntil: number
}

export type LaneRest = Pick<Lane, 'destination' | 'customer'> & { readonly until: number }

export type DueMessage = { readonly id: DecisionId; readonly dueAt: number }

export type QueueFilter = {
  readonly customer?: string
  readonly domain?: string
  readonly source?: string
  /** A recipient domain. */
  readonly destination?: string
  /** A part of what the queue gives as one: why it is held, or what a receiver said last. */
  readonly reason?: string
  readonly state?: 'queued' | 'held' | 'damaged'
  /** Arrived at this moment or earlier; milliseconds since the epoch. */
  readonly arrivedBefore?: number
}

export type QueueRow = {
  readonly id: DecisionId
  readonly state: 'queued' | 'held' | 'damaged'
  readonly reason: string | null
  readonly customer: string
  readonly source: string
  readonly domain: string
  readonly reversePath: string
  readonly recipients: readonly {
    readonly address: string
    readonly state: string
    readonly attempts: number
    readonly dueAt: number
    readonly lastReply: string | null
  }[]
  readonly size: number
  readonly arrivedAt: number
  readonly heldUntil: number | null
  readonly holdOwner: string | null
  readonly holdThen: HoldEnd | null
  readonly route: ManualRoute | null
}

export type QueueGrouping = 'destination' | 'customer' | 'source' | 'reason'

/** The messages of one destination, customer, source or reason. A message with several of them counts in each. */
export type QueueGroup = {
  readonly name: string
  readonly messages: number
  /** Recipients without a final outcome. */
  readonly recipients: number
  /** Messages of these that are held or set aside. */
  readonly held: number
  /** Milliseconds since the epoch. */
  readonly oldestArrival: number | null
  /** When the next of them is due, in milliseconds since the epoch; null when none is. */
  readonly nextDue: number | null
}

export type StateCounts = { readonly queued: number; readonly held: number; readonly damaged: number }

/** A row of the queue and the header section of its message, which is null where it cannot be read. */
export type QueueDetail = QueueRow & { readonly header: Buffer | null }

export type Depth = {
  readonly queued: number
  readonly held: number
  readonly damaged: number
  /** Events that the ledger has not yet taken. */
  readonly outbox: number
  /** Milliseconds since the epoch: the arrival of the oldest message here, or null when there is none. */
  readonly oldestArrival: number | null
}

/** Where custody says "no room" instead of losing anything. */
export type AcceptResult = 'stored' | 'storage-full'

/**
 * Our duty from 250 to the final outcome of each recipient. One writer: the process that owns the shard.
 * Every promise resolves only when what it says is on disk; events are written in the same transaction.
 * A promise that rejects (`CustodyError`) says that it may or may not have happened: the client hears 451, and delivery
 * asks again before it lets the message go.
 * STATES.md beside this file is the table behind it.
 */
export interface Custody {
  /** Durable when it resolves: bytes, envelope, permit, recipients and events in one transaction. Due from its arrival on. */
  accept(entry: Entry, events: readonly LedgerEvent[]): Promise<AcceptResult>
  /** Whether the disk has more free space than the reserve. Answers from memory, at most a second old. */
  hasRoom(): boolean
  /**
   * Writes events that belong to no stored message (refusals). Group-committed; callers need not wait, but must handle the
   * rejection, which comes at once when the disk is so slow that too many events wait, or so full that half of the reserve is gone:
   * a full disk turns mail away by the thousand, and the records of that must not take the room in which the queue is settled.
   */
  record(events: readonly LedgerEvent[]): Promise<void>
  /**
   * Lanes in which something may be due at `now`, behind the given one, the longest ready first. A lane may turn out to be empty: `rest` puts
   * that right. Reads no messages.
   */
  readyLanes(now: number, after: Lane | null, limit: number): Promise<readonly Lane[]>
  /** When the first lane becomes ready that is not ready at `now`, or null. */
  nextReady(now: number): Promise<number | null>
  /** Messages of a lane with a recipient due at `until` or before, the earliest first, without those in `leased`. Reads no bodies. */
  dueIn(lane: Lane, until: number, limit: number, leased: ReadonlySet<DecisionId>): Promise<readonly DueMessage[]>
  /**
   * Lets each lane rest until then, or until its first recipient is due if that is later, whatever comes into it meanwhile; `until` 0
   * only puts right when it is ready. A lane in which nobody waits any more is gone.
   */
  rest(lanes: readonly LaneRest[]): Promise<void>
  /** null when it is gone; a damaged entry is set aside (state `damaged`), recorded, and answered as null. */
  read(id: DecisionId): Promise<StoredMessage | null>
  /**
   * The body in order, in bounded pieces. Throws before the last piece when the bytes are not those that were stored (the
   * message is then set aside), so whoever sends it must not end the data before the iteration ends.
   */
  readBody(id: DecisionId): AsyncIterable<Buffer>
  /**
   * Writes outcomes, new entries that follow from them (DSNs) and events in one transaction; removes the message when no
   * recipient is pending. Asking again after a rejection is safe: a recipient that is not pending is left as it is, and of
   * a message that is gone only the events are written.
   */
  settle(
    id: DecisionId,
    outcomes: readonly Outcome[],
    follow: readonly Entry[],
    events: readonly LedgerEvent[],
  ): Promise<void>
  /** Queued or held becomes held, for this reason and until then. False, and nothing is written, in any other state. */
  hold(id: DecisionId, hold: Hold, events: readonly LedgerEvent[]): Promise<boolean>
  /** Makes a held message due now. False, and nothing is written, when it is not held. */
  release(id: DecisionId, events: readonly LedgerEvent[]): Promise<boolean>
  /** Makes a queued message due now. False, and nothing is written, when it is not queued. */
  hurry(id: DecisionId, events: readonly LedgerEvent[]): Promise<boolean>
  /** Sends a queued or held message another way from now on, or (null) the usual one; one that is queued is due now. */
  reroute(id: DecisionId, route: ManualRoute | null, events: readonly LedgerEvent[]): Promise<boolean>
  /** Held messages whose hold has run out at `now`. */
  expiredHolds(now: number, limit: number): Promise<readonly DecisionId[]>
  /** In the order of ids, which is the order of arrival; `after` is the last id of the page before. */
  list(filter: QueueFilter, after: DecisionId | null, limit: number): Promise<readonly QueueRow[]>
  find(id: DecisionId): Promise<QueueDetail | null>
  /** How many messages the filter names, by state. Reads no bodies. */
  count(filter: QueueFilter): Promise<StateCounts>
  /** The queue in groups, the largest first, at most 10,000 of them. Reads no bodies. */
  summary(by: QueueGrouping): Promise<readonly QueueGroup[]>
  depth(): Promise<Depth>
  /**
   * Brings forward by so many milliseconds whatever is queued: the clock was set back by as much, and what was to wait for a minute would
   * wait for an hour.
   */
  hasten(byMs: number): Promise<void>
  /** Counts charged per key and five-minute window from `since` on, at most a day back: what the limits start from after a restart. */
  charges(since: number): Promise<readonly Charge[]>
  /** Adds to the windows; written with the next group commit. */
  charge(charges: readonly Charge[]): Promise<void>
  /** Events with a higher sequence number, in order. */
  outboxAfter(sequence: number, limit: number): Promise<readonly StoredEvent[]>
  /** Removes outbox rows that the ledger has projected. */
  trimOutbox(throughSequence: number): Promise<void>
  /** Finishes what was asked, then gives the shard back. Afterwards everything rejects. */
  close(): Promise<void>
}

export type Charge = {
  /** `grant/<customer>/<grant>` or `customer/<customer>`. */
  readonly key: string
  /** Start of the five-minute window, in milliseconds since the epoch. */
  readonly window: number
  readonly messages: number
  readonly recipients: number
}
