/** Counts in the order of the limits that they belong to. */
export type Amounts = readonly number[]

/** How one holder stands with one shared limit, or with several that count together. Plain JSON. */
export type Account = {
  readonly key: string
  readonly limits: Amounts
  /** Counted by the limits' own windows, what is in the air included. */
  readonly used: Amounts
  /** Leased and not used. */
  readonly held: Amounts
}

/** What a holder tells the lessor and wants of it; `want` of nothing but zeros only tells. */
export type Ask = Account & { readonly want: Amounts }

/** Numbers what one holder says, upwards, over all its processes: what comes late must not undo what came before. */
type Said = { readonly at: number }

export type AskBatch = Said & {
  readonly asks: readonly Ask[]
  /** Keys with which the holder has no more to do. */
  readonly forget: readonly string[]
}

export type Grant = {
  readonly key: string
  readonly granted: Amounts
  /** Which of the limits leaves no more; null when what was wanted was granted. */
  readonly short: number | null
}

export type AskAnswer = {
  /** Numbers the answers to one holder, upwards. */
  readonly number: number
  readonly grants: readonly Grant[]
  readonly forgotten: readonly string[]
}

/** The lessor takes back what is not used, at least as much as this where there is as much. */
export type Recall = { readonly key: string; readonly limits: Amounts; readonly want: Amounts }

export type RecallAnswer = Said & {
  /** The last answer that the holder had taken up. */
  readonly received: number
  readonly accounts: readonly Account[]
}

/** What a holder says when it, or the lessor, is new. */
export type Join = Said & {
  /** A new process: it remembers no lease and knows only what was saved. */
  readonly fresh: boolean
  readonly accounts: readonly Account[]
}

/** Keys of which the new holder may use nothing without asking. */
export type JoinAnswer = {
  readonly number: number
  readonly asked: readonly { readonly key: string; readonly limits: Amounts }[]
}

/**
 * What each of so many holders may use of a limit without asking, until it has asked or was asked for it once: half of the limit is
 * spread over them in this way, so that most traffic never waits for the lessor.
 */
export function freeShare(limits: Amounts, holders: number): Amounts {
  return limits.map((limit) => Math.floor(limit / (2 * holders)))
}

export function sum(one: Amounts, other: Amounts): Amounts {
  return one.map((value, at) => value + (other[at] ?? 0))
}

export function difference(one: Amounts, other: Amounts): Amounts {
  return one.map((value, at) => value - (other[at] ?? 0))
}

/** Whether no part of one is larger than the same part of the other. What is not a number fits nowhere. */
export function fits(one: Amounts, into: Amounts): boolean {
  return one.every((value, at) => value <= (into[at] ?? 0))
}

export function isNothing(amounts: Amounts): boolean {
  return amounts.every((value) => value === 0)
}

export function nothingLike(amounts: Amounts): Amounts {
  return amounts.map(() => 0)
}
