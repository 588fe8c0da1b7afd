const dayMs = 86_400_000

/** When failures of one class put an address on the list, and for how long it stays there. */
export type Threshold = {
  /** This many failures. */
  readonly strikes: number
  /** Failures further apart than this do not add up, in milliseconds. */
  readonly within: number
  /** Failures closer together than this count as one: a mailing is one try, however many messages it has. */
  readonly apart: number
  /** How long it stays listed, in milliseconds; null: until somebody takes it off. */
  readonly lasts: number | null
}

/**
 * By the class of a refusal (`standards/smtp/reply-class.ts`). A mailbox that its own server says is not there is believed at once; a domain
 * that is not found may only have lost its DNS for a while. No other class says anything about the address.
 */
export const hardBounces: { readonly [failure: string]: Threshold | undefined } = {
  recipient: { strikes: 1, within: 0, apart: 0, lasts: null },
  inactive: { strikes: 1, within: 0, apart: 0, lasts: 180 * dayMs },
  domain: { strikes: 3, within: 30 * dayMs, apart: dayMs, lasts: 90 * dayMs },
}
