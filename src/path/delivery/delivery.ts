import { setTimeout as sleep } from 'node:timers/promises'
import type { Hold, ManualRoute, StoredMessage } from '../custody/custody.ts'
import type { DecisionId } from '../decision/decision.ts'
import { DestinationHealth } from './client/health.ts'
import { Limiter } from './client/limiter.ts'
import { SessionPool } from './client/pool.ts'
import { egressPools } from './egress/pools.ts'
import { WarmUpBook } from './egress/warm-up.ts'
import { Hands } from './hands.ts'
import { type DeliveryMetrics, newMetrics } from './metrics.ts'
import { SignatureMemory } from './outbound/signatures.ts'
import type { DeliveryOptions, Room } from './room.ts'
import { expandListeners } from './routing/own-listeners.ts'
import { FamilyMemory } from './routing/families.ts'
import { routeTable } from './routing/route.ts'
import { Scheduler } from './scheduler.ts'

/** The room at work. */
export interface Delivery {
  /** A message that custody has just stored: it is carried from memory. Held ones are left alone. Never throws. */
  offer(message: StoredMessage, body: readonly Buffer[]): void
  /** Looks at the queue now: something was stored or released behind our back. */
  kick(): void
  /** What people do to a message; `hands.ts` says of each what false means. All reject with `InTheAir` while the message stays in other hands. */
  hold(id: DecisionId, hold: Hold, by: string): Promise<boolean>
  hurry(id: DecisionId, by: string): Promise<boolean>
  reroute(id: DecisionId, route: ManualRoute | null, by: string): Promise<boolean>
  release(id: DecisionId, by: string): Promise<boolean>
  cancel(id: DecisionId, by: string): Promise<boolean>
  bounce(id: DecisionId, by: string, status: string, reason: string): Promise<boolean>
  /** Ends holds that have run out; to be called now and then. Answers how many. */
  expireHolds(): Promise<number>
  /** Takes no more work, finishes what is in the air for at most this many milliseconds, then cuts the connections. */
  drain(graceMs: number): Promise<void>
  readonly metrics: DeliveryMetrics
}

/** How long a destination that was found down is left alone, at most. */
const longestPause = 30_000

/** How long cut connections get to write down what they had done. */
const lastWrites = 300

/** Starts to carry what is in custody, and what is offered. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { clock } = options
  const settings = { ...options.settings, ownListeners: expandListeners(options.settings.ownListeners) }
  const random = options.random ?? Math.random
  const metrics = newMetrics()
  const pool = new SessionPool(settings)
  const limiter = new Limiter(() => ({ connections: settings.connectionsPerDestination }), settings.connections)
  const health = new DestinationHealth(
    () => clock.steady?.() ?? clock.now(),
    Math.min(longestPause, settings.retry.first / 2),
  )
  const { dns, hostname } = options
  const egress = {
    pools: egressPools(settings.pools, settings.sourceAddresses),
    warmth: options.warmth ?? new WarmUpBook(),
  }
  const stopping = { aborted: false }
  const families = new FamilyMemory(() => clock.steady?.() ?? clock.now())
  const now = () => clock.now()
  const protections = options.protections ?? null
  const outbound = {
    dns,
    settings,
    hostname,
    limiter,
    pool,
    health,
    egress,
    families,
    protections,
    metrics,
    random,
    now,
  }
  const room: Room = {
    ...options,
    settings,
    random,
    outbound,
    routes: routeTable(settings),
    signatures: new SignatureMemory(),
    stopping,
  }
  const scheduler = new Scheduler(room)
  const hands = new Hands(room, scheduler)
  scheduler.kick()
  return {
    offer: (message, body) => {
      if (message.hold === null) scheduler.offer({ message, body })
    },
    kick: () => scheduler.kick(),
    hold: (id, hold, by) => hands.hold(id, hold, by),
    hurry: (id, by) => hands.hurry(id, by),
    reroute: (id, route, by) => hands.reroute(id, route, by),
    bounce: (id, by, status, reason) => hands.bounce(id, by, status, reason),
    release: (id, by) => hands.release(id, by),
    cancel: (id, by) => hands.cancel(id, by),
    expireHolds: () => hands.expireHolds(),
    drain: async (graceMs) => {
      const stopped = scheduler.stop()
      pool.close()
      if (await within(stopped, graceMs)) return
      stopping.aborted = true
      limiter.evictAll()
      pool.abort()
      await within(stopped, lastWrites)
    },
    metrics,
  }
}

async function within(done: Promise<void>, milliseconds: number): Promise<boolean> {
  const over = new AbortController()
  const late = sleep(milliseconds, false, { signal: over.signal }).catch(() => false)
  const inTime = await Promise.race([done.then(() => true), late])
  over.abort()
  return inTime
}
