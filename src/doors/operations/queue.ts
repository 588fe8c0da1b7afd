/** The queue as people work with it. Moments are ISO 8601. */
export interface QueueOperations {
  /** The first 10,000, in the order of arrival. */
  queue(selection: QueueSelection): Promise<readonly QueueItem[]>
  /** `next` is where the next page begins, or null. */
  queuePage(selection: QueueSelection, page: QueuePlace): Promise<QueuePage>
  queueSummary(by: QueueGrouping, selection: { readonly limit?: number }): Promise<QueueSummary>
  queueCounts(): Promise<QueueCounts>
  queued(id: string): Promise<QueueDetail | null>
  /** The start of a body, which somebody has a reason to read: written down first. null: there is no such message. */
  queuedBody(request: { readonly id: string; readonly reason: string; readonly by: string }): Promise<QueueBody | null>
  /** Does something to one message. */
  actOnMessage(request: { readonly id: string; readonly action: QueueAction; readonly by: string }): Promise<ActedOnOne>
  /** Does something to the next few hundred messages that are selected, from `after` on; `next` is where to go on, or null. */
  actOnQueue(request: BulkRequest): Promise<BulkAnswer>
  /** What that would touch. */
  wouldActOnQueue(request: Pick<BulkRequest, 'selection' | 'action'>): Promise<BulkPlan>
}

export const queueGroupings = ['destination', 'customer', 'source', 'reason'] as const
export type QueueGrouping = (typeof queueGroupings)[number]

export const queueStates = ['queued', 'held', 'damaged'] as const

export type QueueSelection = {
  readonly customer?: string
  /** The author's. */
  readonly domain?: string
  readonly source?: string
  /** A recipient domain. */
  readonly destination?: string
  /** A part of why it is held or of what a receiver said last. */
  readonly reason?: string
  readonly state?: (typeof queueStates)[number]
  /** `90m`, `4h`, `2d`. */
  readonly olderThan?: string
}

export const mostOfPage = 1_000

/** `limit` at most 1,000. */
export type QueuePlace = { readonly after: string | null; readonly limit: number }

export type QueuePage = { readonly items: readonly QueueItem[]; readonly next: string | null }

export type QueueItem = {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly customer: string
  readonly source: string
  readonly domain: string
  readonly reversePath: string
  readonly recipients: readonly QueueRecipient[]
  readonly size: number
  readonly arrived: string
  readonly heldUntil: string | null
  /** Who holds it, or who is to look at it. */
  readonly owner: string | null
  /** What happens when the hold runs out: cancel, release or bounce. */
  readonly atEnd: string | null
  /** Where a person sends it instead of the usual way. */
  readonly route: QueueRoute | null
}

export type QueueRoute = {
  readonly host: string
  readonly port: number
  readonly tls: 'off' | 'opportunistic' | 'required'
}

export type QueueRecipient = {
  readonly address: string
  readonly state: string
  readonly attempts: number
  readonly due: string
  readonly lastReply: string | null
}

/** Lines below an event are what was said on the wire, or more of it. */
export type QueueEvent = {
  readonly at: string
  readonly kind: string
  readonly words: string
  readonly lines?: readonly string[]
}

export type QueueDetail = QueueItem & {
  readonly header: string
  readonly events: readonly QueueEvent[]
  /** The decision told line by line; empty when the ledger does not have it any more. */
  readonly decision: readonly string[]
}

/** `base64`: the first megabyte at most. */
export type QueueBody = { readonly base64: string; readonly octets: number; readonly whole: boolean }

export type QueueGroup = {
  readonly name: string
  readonly messages: number
  readonly recipients: number
  readonly held: number
  readonly oldest: string | null
  readonly nextDue: string | null
}

/** The largest groups first; `groups` is how many there are in all. */
export type QueueSummary = {
  readonly by: QueueGrouping
  readonly items: readonly QueueGroup[]
  readonly groups: number
}

export type QueueCounts = {
  readonly queued: number
  readonly held: number
  readonly damaged: number
  /** Of those queued, how many are on their way at this moment. */
  readonly delivering: number
  readonly oldest: string | null
}

/** `holdFor` is a duration; left out, as long as `retention.heldBodies`. `status` is 5.x.x, 5.0.0 when left out. */
export type QueueAction =
  | { readonly verb: 'retry' | 'release' | 'cancel' }
  | {
      readonly verb: 'hold'
      readonly reason: string
      readonly holdFor?: string | undefined
      readonly owner?: string | undefined
      readonly atEnd?: 'cancel' | 'release' | 'bounce' | undefined
    }
  /** `route` null: the usual way again. */
  | { readonly verb: 'reroute'; readonly route: QueueRoute | null }
  | { readonly verb: 'bounce'; readonly reason: string; readonly status?: string | undefined }

/** `why` it was not done. */
export type ActedOnOne = { readonly done: true } | { readonly done: false; readonly why: string }

export type BulkRequest = {
  readonly selection: QueueSelection
  readonly action: QueueAction
  readonly after?: string | undefined
  readonly by: string
}

export type BulkAnswer = {
  /** Ids, in order. */
  readonly done: readonly string[]
  readonly skipped: readonly { readonly id: string; readonly why: string }[]
  readonly next: string | null
}

export type BulkPlan = {
  readonly verb: QueueAction['verb']
  /** How many it would change, of how many that are selected. */
  readonly would: number
  readonly selected: number
  /** The first of those that it would change. */
  readonly ids: readonly string[]
}

const mostItems = 10_000

/** The pages of a queue put together, as far as one answer goes. */
export async function pagesTogether(pageAt: (place: QueuePlace) => Promise<QueuePage>): Promise<readonly QueueItem[]> {
  const items: QueueItem[] = []
  let after: string | null = null
  do {
    const page: QueuePage = await pageAt({ after, limit: mostOfPage })
    items.push(...page.items)
    after = page.next
  } while (after !== null && items.length < mostItems)
  return items
}
