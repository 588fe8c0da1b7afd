/** What can be asked of customers. */
export interface CustomerOperations {
  customers(request: { readonly after: string | null; readonly limit: number }): Promise<CustomerPage>
  /** null: the policy has no such customer. */
  customer(id: string): Promise<CustomerDetail | null>
}

export type CustomerPage = { readonly items: readonly CustomerRow[]; readonly next: string | null }

export type CustomerRow = {
  readonly id: string
  readonly name: string
  readonly plan: string
  /** What becomes of recipients on its suppression list: `refuse` or `discard`. */
  readonly suppression: string
  /** The pool of addresses that its mail leaves from, or one for each class of mail. */
  readonly pool: string | { readonly [messageClass: string]: string | undefined }
  readonly domains: readonly string[]
  readonly sources: readonly string[]
}

export type CustomerDetail = CustomerRow & {
  readonly grants: readonly { readonly id: string; readonly source: string; readonly domains: readonly string[] }[]
  /** Messages a day to the big receivers' private mailboxes, by author domain as those count it. */
  readonly bulk: readonly {
    readonly domain: string
    readonly receiver: string
    readonly today: number
    readonly highest: number
    readonly highestDay: string
    readonly threshold: number
  }[]
  readonly findings: readonly FindingRow[]
}

/** Moments are ISO 8601. */
export type FindingRow = {
  readonly id: string
  readonly rule: string
  readonly severity: string
  readonly customer: string
  readonly subject: string
  readonly evidence: unknown
  readonly firstSeen: string
  readonly lastSeen: string
  readonly state: string
}
