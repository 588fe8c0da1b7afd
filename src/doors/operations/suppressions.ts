/** What can be asked for of suppression lists. `null` answers a customer that the policy does not have. */
export interface SuppressionOperations {
  suppressions(request: SuppressionPageRequest): Promise<SuppressionPage | null>
  addSuppressions(request: {
    readonly customer: string
    readonly entries: readonly SuppressionEntry[]
    readonly dryRun: boolean
    readonly by: string
  }): Promise<SuppressionAnswer | null>
  removeSuppressions(request: {
    readonly customer: string
    readonly addresses: readonly string[]
    readonly note: string
    readonly dryRun: boolean
    readonly by: string
  }): Promise<SuppressionAnswer | null>
  /** Adds what a CSV text lists; nothing where any line has a problem. */
  importSuppressions(request: {
    readonly customer: string
    readonly text: string
    readonly dryRun: boolean
    readonly by: string
  }): Promise<SuppressionAnswer | null>
}

export type SuppressionPageRequest = {
  readonly customer: string
  /** The `next` of the page before. */
  readonly after: string | null
  /** At most 1000. */
  readonly limit: number
  readonly reason: string | null
}

export type SuppressionPage = { readonly items: readonly SuppressionRow[]; readonly next: string | null }

/** Moments are ISO 8601. */
export type SuppressionRow = {
  readonly address: string
  readonly reason: string
  readonly since: string
  readonly until: string | null
  readonly note: string
  /** The message that put it there; null where a person did. */
  readonly event: string | null
  readonly author: string
}

export type SuppressionEntry = {
  readonly address: string
  /** `manual` where none is given. */
  readonly reason?: string | undefined
  readonly until?: string | null | undefined
  readonly note?: string | undefined
}

export type SuppressionAnswer =
  /** `changed` were put on the list or taken off it; of the `unchanged` that was so already. */
  | { readonly kind: 'done' | 'planned'; readonly changed: number; readonly unchanged: number }
  /** Each `line N: what is wrong`, or without a line where there is none. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
