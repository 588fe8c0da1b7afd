/** What can be asked for of how receivers are treated. */
export interface ShapingOperations {
  /** The actions in force, the oldest first. */
  shapingActions(): Promise<readonly ShapingAction[]>
  /** Ends one by hand; what waited for it goes. False when none of that id is in force. */
  clearShaping(id: string, by: string): Promise<boolean>
  /** What holds for mail to a domain, and which rule of which file says so. */
  explainShaping(domain: string): Promise<ShapingExplanation>
}

export type ShapingAction = {
  readonly id: string
  readonly kind: 'slow' | 'suspend'
  readonly site: string
  /** One of our addresses (null: the one that the system chooses), a customer, or a source of its. */
  readonly scope: {
    readonly what: 'address' | 'customer' | 'source'
    readonly address?: string | null
    readonly customer?: string
    readonly source?: string
  }
  /** What is left of rate and connections: from 0 to below 1. */
  readonly factor: number
  readonly from: string
  readonly until: string
  readonly class: string
  /** The reply that was one too many. */
  readonly reply: string
  readonly replies: number
  /** The message that met it. */
  readonly message: string
  readonly domain: string
  readonly rule: string
}

type Rule = { readonly profile: string; readonly file: string; readonly line: number }

export type ShapingExplanation = {
  readonly domain: string
  readonly route: string | null
  readonly mx: readonly string[]
  readonly servers: string
  readonly site: string
  readonly profiles: readonly {
    readonly name: string
    readonly date: string | null
    readonly why: string | null
    readonly source: string | null
  }[]
  readonly limits: readonly (Rule & { readonly limit: string; readonly value: string })[]
  readonly actions: readonly (Rule & { readonly class: string; readonly steps: readonly string[] })[]
  readonly inForce: readonly ShapingAction[]
  readonly trouble: string | null
}
