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
import { type ShapingFace, openShaping, shapingFace } from './shaping/face.ts'
import { Scheduler } from './schedule/scheduler.ts'

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
  readonly shaping: ShapingFace
  readonly metrics: DeliveryMetrics
  /** How many connections are open under the key by which shaping limits them. */
  connectionsAt(key: string): number
}

/** How long a site is left alone that was found down once, and at most, in milliseconds. */
const firstPause = 30_000
const longestPause = 900_000

/** How often those who wait are let in where a limit has grown, in milliseconds. */
const reconsiderPause = 500

/** How long cut connections get to write down what they had done. */
const lastWrites = 300

/** Starts to carry what is in custody, and what is offered. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { clock } = options
  const settings = { ...options.settings, ownListeners: expandListeners(options.settings.ownListeners) }
  const random = options.random ?? Math.random
  const metrics = newMetrics()
  const now = () => clock.now()
  const shaping = openShaping(options, settings)
  const limitOf = (passage: string) => shaping.limitOf(passage)
  const pool = new SessionPool({ timeouts: settings.timeouts, limitOf })
  const limiter = new Limiter(limitOf, settings.connections)
  const health = new DestinationHealth({
    now: () => clock.steady?.() ?? clock.now(),
    pause: Math.min(firstPause, settings.retry.first / 2),
    longestPause: Math.min(longestPause, settings.retry.max),
    random,
  })
  const { dns, hostname } = options
  const egress = {
    pools: egressPools(settings.pools, settings.sourceAddresses),
    warmth: options.warmth ?? new WarmUpBook(),
  }
  const stopping = { aborted: false }
  const families = new FamilyMemory(() => clock.steady?.() ?? clock.now())
  const protections = options.protections ?? null
  const outbound = {
    dns,
    settings,
    hostname,
    limiter,
    pool,
    health,
    shaping,
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
  shaping.onFreed((ids, notice) => void hands.comeBack(ids, notice))
  const reconsidering = setInterval(() => limiter.reconsider(), reconsiderPause).unref()
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
    shaping: shapingFace(room),
    drain: async (graceMs) => {
      clearInterval(reconsidering)
      const stopped = scheduler.stop()
      pool.close()
      if (await within(stopped, graceMs)) return
      stopping.aborted = true
      limiter.evictAll()
      pool.abort()
      await within(stopped, lastWrites)
    },
    metrics,
    connectionsAt: (key) => limiter.openAt(key),
  }
}

async function within(done: Promise<void>, milliseconds: number): Promise<boolean> {
  const over = new AbortController()
  const late = sleep(milliseconds, false, { signal: over.signal }).catch(() => false)
  const inTime = await Promise.race([done.then(() => true), late])
  over.abort()
  return inTime
}
