import type { Dns } from '../../../platform/dns.ts'
import type { EgressPool } from '../egress/pools.ts'
import type { WarmUpBook } from '../egress/warm-up.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import type { Protections } from '../protection/protections.ts'
import type { FamilyMemory } from '../routing/families.ts'
import type { DeliverySettings } from '../settings.ts'
import type { Shaping } from '../shaping/shaping.ts'
import type { Limiter } from './limiter.ts'
import type { DestinationHealth } from './health.ts'
import type { SessionPool } from './pool.ts'

/** What an attempt needs from the room. */
export type Outbound = {
  readonly dns: Dns
  readonly settings: DeliverySettings
  readonly hostname: string
  readonly limiter: Limiter
  readonly pool: SessionPool
  readonly health: DestinationHealth
  readonly shaping: Shaping
  /** Our addresses, and what those that are new have sent. */
  readonly egress: { readonly pools: ReadonlyMap<string, EgressPool>; readonly warmth: WarmUpBook }
  readonly families: FamilyMemory
  /** Null: nothing is looked up, and servers that DNS names are encrypted to where they can. */
  readonly protections: Protections | null
  readonly metrics: DeliveryMetrics
  readonly random: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
