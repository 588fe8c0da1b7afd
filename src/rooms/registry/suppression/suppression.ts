/** Why an address is on a customer's list. */
export const suppressionReasons = ['hard-bounce', 'complaint', 'manual', 'unsubscribe'] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

/** An address to which a customer's mail is not sent. Moments are milliseconds since the epoch. */
export type Suppression = {
  readonly customer: string
  /** As `listedAddress` writes it. */
  readonly address: string
  readonly reason: SuppressionReason
  readonly since: number
  /** null: until somebody takes it off. */
  readonly until: number | null
  readonly note: string
  /** The message or report that put it there; null where a person did. */
  readonly event: string | null
  readonly author: string
}

/** What a relay's memory needs to know of a change. Changes are counted from 1; the later of two counts. */
export type SuppressionChange = {
  readonly change: number
  readonly high: number
  readonly low: number
  readonly until: number | null
  readonly listed: boolean
}
