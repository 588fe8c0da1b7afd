import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'

/** For whom something holds at a site: one of our addresses (null: the one that the system chooses), a customer, or a source of its. */
export type Scope =
  | { readonly what: 'address'; readonly address: string | null }
  | { readonly what: 'customer'; readonly customer: string }
  | { readonly what: 'source'; readonly customer: string; readonly source: string }

/**
 * An action in force at a site: plain JSON, of which every relay process of an instance has a copy. Each change of it is a notice of its
 * own with the same id.
 */
export type ShapingNotice = {
  readonly id: string
  readonly kind: 'slow' | 'suspend'
  readonly site: string
  readonly scope: Scope
  /** What is left of rate and connections: from 0 (suspended) to below 1. */
  readonly factor: number
  /** Whether the last change of it was for the worse or for the better. */
  readonly step: 'down' | 'up'
  /** Messages a minute that went there before; what `factor` is a part of where the profile has no rate. */
  readonly perMinute: number | null
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly changed: number
  readonly until: number
  /** The reply that was one too many, and of how many it was. */
  readonly because: {
    readonly class: ReplyClass
    readonly reply: string
    readonly replies: number
    readonly message: string
    readonly domain: string
  }
  /** The rule: profile, file and line. */
  readonly by: string
  /** How it ended before its time; null while it is in force. */
  readonly ended: { readonly at: number; readonly how: 'recovered' | 'cleared'; readonly by: string } | null
}

/** A name for the scope that tells it from all others at the site. */
export function scopeKey(scope: Scope): string {
  switch (scope.what) {
    case 'address':
      return `address ${scope.address ?? ''}`
    case 'customer':
      return `customer ${scope.customer}`
    case 'source':
      return `source ${scope.customer}/${scope.source}`
    default:
      return scope satisfies never
  }
}
