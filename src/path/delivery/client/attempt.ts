import { type EgressChoice, chooseEgress, familyOf } from '../egress/choose-egress.ts'
import type { Turn } from '../routing/families.ts'
import { type Resolution, type Target, resolveTargets } from '../routing/targets.ts'
import type { ShapedSite } from '../shaping/passage.ts'
import type { Standstill } from '../shaping/shaping.ts'
import { type AttemptResult, nowhere } from './attempt-result.ts'
import { Doors } from './doors.ts'
import { type Job, handOver } from './hand-over.ts'
import type { Outbound } from './outbound.ts'
import type { OutgoingRecipient } from './outgoing.ts'

/** More addresses than this are not tried in one attempt. */
const maxTargets = 6

/**
 * One attempt to hand a message over at one destination. Every recipient has a result when it resolves. Throws `SourceTrouble` and `Superseded` alone,
 * and results that it had by then are given to `onDelivered` first.
 */
export async function attempt(
  outbound: Outbound,
  job: Job,
  onDelivered: (results: readonly AttemptResult[]) => void,
): Promise<readonly AttemptResult[]> {
  const { destination, recipients } = job
  const down = outbound.health.downBecause(destination.key)
  if (down !== null) return recipients.map((one) => isDown(one, down))
  const resolution = await resolveTargets(destination, {
    dns: outbound.dns,
    port: outbound.settings.port,
    hostname: outbound.hostname,
    ownListeners: outbound.settings.ownListeners,
    random: outbound.random,
  })
  return atTargets(outbound, job, resolution, onDelivered)
}

async function atTargets(
  outbound: Outbound,
  job: Job,
  resolution: Resolution,
  onDelivered: (results: readonly AttemptResult[]) => void,
): Promise<readonly AttemptResult[]> {
  const { destination, recipients } = job
  if (resolution.kind !== 'targets') {
    const kind = resolution.kind === 'undeliverable' ? 'failed' : 'retry'
    return recipients.map((one) => nowhere(one, kind, resolution.status, resolution.text))
  }
  const site = outbound.shaping.siteAt(destination, resolution)
  outbound.health.join(destination.key, site.servers)
  const down = outbound.health.downBecause(site.servers)
  if (down !== null) return recipients.map((one) => isDown(one, down))
  const { id: message, customer, source } = job
  const standstill = outbound.shaping.standstillOf(site, { customer, source, message })
  if (standstill !== null) return recipients.map((one) => notNow(outbound, one, standstill))
  const doors = new Doors(outbound)
  try {
    return await inTurns(outbound, job, site, resolution.targets, doors, onDelivered)
  } finally {
    doors.leave()
  }
}

async function inTurns(
  outbound: Outbound,
  job: Job,
  site: ShapedSite,
  targets: readonly Target[],
  doors: Doors,
  onDelivered: (results: readonly AttemptResult[]) => void,
): Promise<readonly AttemptResult[]> {
  const { recipients } = job
  let last: readonly AttemptResult[] = []
  let waiting: readonly AttemptResult[] | null = null
  let isMissed = true
  for (const turn of outbound.families.inTurns(targets.slice(0, maxTargets))) {
    const choice = egressFor(outbound, job, site, turn)
    if (choice.kind !== 'from') {
      if (choice.kind === 'wait') waiting = recipients.map((one) => notNow(outbound, one, choice))
      else if (last.length === 0) last = recipients.map((one) => nowhere(one, 'retry', '4.4.1', choice.because))
      continue
    }
    const passage = outbound.shaping.passage(site, choice.egress?.address ?? null)
    if (!(await doors.enter(passage))) {
      return recipients.map((one) => ({
        ...nowhere(one, 'retry', '4.3.2', 'waiting for a connection'),
        attempted: false,
      }))
    }
    // Others may have found it down while this one waited for its place.
    const fallen = outbound.health.downBecause(site.servers)
    if (fallen !== null) return recipients.map((one) => isDown(one, fallen))
    const handed = await handOver(outbound, job, { ...turn, passage, egress: choice.egress }, onDelivered)
    if (handed.kind === 'answered') {
      if (handed.results.some((one) => one.attempted)) outbound.health.reached(site.servers)
      return handed.results
    }
    last = lessFinal(last, handed.results)
    isMissed &&= handed.isMissed
  }
  if (waiting !== null) return waiting
  if (last.some((one) => one.fromRemote)) outbound.health.reached(site.servers)
  else if (isMissed) outbound.health.missed(site.servers, last[0]?.reply ?? 'no server could be reached')
  return last
}

/** While one server may yet take it, what is final at another is not the end. */
function lessFinal(before: readonly AttemptResult[], now: readonly AttemptResult[]): readonly AttemptResult[] {
  const isFinal = now.every((one) => one.kind === 'failed')
  return isFinal && before.some((one) => one.kind === 'retry') ? before : now
}

function egressFor(outbound: Outbound, job: Job, site: ShapedSite, { target }: Turn): EgressChoice {
  const { pools, warmth } = outbound.egress
  const { id: message, pool } = job
  const family = familyOf(target.address)
  const suspended = outbound.shaping.suspendedAt(site)
  const excluded = new Set([...suspended.keys()].filter((one) => one !== null))
  const question = { pool, message, site: site.key, family, excluded, now: outbound.now() }
  const choice = chooseEgress(pools, question, warmth)
  const isBarred = choice.kind === 'from' ? choice.egress === null && suspended.has(null) : choice.kind === 'wait'
  if (!isBarred || suspended.size === 0) return choice
  const standstill = outbound.shaping.standstillBy(suspended.values(), message)
  return standstill === null ? choice : { kind: 'wait', ...standstill }
}

/** Milliseconds over which what waited for the same moment comes back. */
const spread = 60_000

function notNow(
  outbound: Outbound,
  one: OutgoingRecipient,
  { until, because }: Standstill | Extract<EgressChoice, { kind: 'wait' }>,
): AttemptResult {
  const dueAt = until === null ? {} : { dueAt: Math.round(until + spread * outbound.random()) }
  return { ...nowhere(one, 'retry', '4.3.2', because), attempted: false, ...dueAt }
}

function isDown(one: OutgoingRecipient, because: string): AttemptResult {
  return { ...nowhere(one, 'retry', '4.4.1', ''), reply: because }
}
