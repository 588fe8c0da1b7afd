import type { Dns } from '../../../platform/dns.ts'
import { type EgressChoice, chooseEgress, familyOf } from '../egress/choose-egress.ts'
import type { EgressAddress, EgressPool } from '../egress/pools.ts'
import type { WarmUpBook } from '../egress/warm-up.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import type { Wanted } from '../protection/wanted.ts'
import { type Protections, wantedAt } from '../protection/protections.ts'
import { requireTlsGap } from '../protection/require-tls.ts'
import type { FamilyMemory, Turn } from '../routing/families.ts'
import type { Destination } from '../routing/route.ts'
import { type Resolution, type Target, resolveTargets } from '../routing/targets.ts'
import type { DeliverySettings } from '../settings.ts'
import { type SiteKey, siteOf } from '../shaping/site.ts'
import { Evicted, type Limiter } from './limiter.ts'
import type { DestinationHealth } from './health.ts'
import type { SessionPool } from './pool.ts'
import { type Allowed, type ClientSession, openSession } from './session.ts'
import type { RecipientResult } from './outcome.ts'
import type { Outgoing, OutgoingRecipient } from './outgoing.ts'
import { type TransactionResult, sendMail } from './transaction.ts'
import { ConnectionTrouble, Superseded } from './trouble.ts'

/** What an attempt needs from the room. */
export type Outbound = {
  readonly dns: Dns
  readonly settings: DeliverySettings
  readonly hostname: string
  readonly limiter: Limiter
  readonly pool: SessionPool
  readonly health: DestinationHealth
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

/** What became of one recipient, and by which server. */
export type AttemptResult = RecipientResult & {
  /** The server that answered, or the last one that we tried; null when it never came to one. */
  readonly remote: Target | null
  readonly tls: string | null
  /** Whether the server would have sent DSNs itself (RFC 3461). */
  readonly dsn: boolean
  /** False when the destination was not even tried, so that its retry clock stays where it is. */
  readonly attempted: boolean
  /** When to come again where it was not tried, in milliseconds since the epoch; absent: soon. */
  readonly dueAt?: number
}

type Job = {
  /** Names the message. */
  readonly id: string
  /** The pool of our addresses that the policy names for it, or null. */
  readonly pool: string | null
  readonly destination: Destination
  readonly message: Outgoing
  readonly recipients: readonly OutgoingRecipient[]
  /** Whether the judgement behind the message still stands; asked just before each transaction, since a place may be long to wait for. */
  readonly stands: () => boolean
}

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
  if (down !== null) return recipients.map((one) => ({ ...nowhere(one, 'retry', '4.4.1', ''), reply: down }))
  const entered = await outbound.limiter.enter(destination.key).catch((error: unknown) => {
    if (error instanceof Evicted) return null
    throw error
  })
  if (entered === null) {
    return recipients.map((one) => ({
      ...nowhere(one, 'retry', '4.3.2', 'waiting for a connection'),
      attempted: false,
    }))
  }
  try {
    outbound.metrics.attempts++
    const resolution = await resolveTargets(destination, {
      dns: outbound.dns,
      port: outbound.settings.port,
      hostname: outbound.hostname,
      ownListeners: outbound.settings.ownListeners,
      random: outbound.random,
    })
    return await atTargets(outbound, job, resolution, onDelivered)
  } finally {
    entered()
  }
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
  const site = siteOf(destination, resolution)
  let last: readonly AttemptResult[] = []
  let waiting: readonly AttemptResult[] | null = null
  let isMissed = true
  for (const turn of outbound.families.inTurns(resolution.targets.slice(0, maxTargets))) {
    const choice = egressFor(outbound, job, site, turn)
    if (choice.kind !== 'from') {
      if (choice.kind === 'wait') waiting = recipients.map((one) => notNow(one, choice))
      else if (last.length === 0) last = recipients.map((one) => nowhere(one, 'retry', '4.4.1', choice.because))
      continue
    }
    const handed = await handOver(outbound, job, { ...turn, site, egress: choice.egress }, onDelivered)
    if (handed.kind === 'answered') {
      outbound.health.reached(destination.key)
      return handed.results
    }
    last = lessFinal(last, handed.results)
    isMissed &&= handed.isMissed
  }
  if (waiting !== null) return waiting
  if (last.some((one) => one.fromRemote)) outbound.health.reached(destination.key)
  else if (isMissed) outbound.health.missed(destination.key, last[0]?.reply ?? 'no server could be reached')
  return last
}

/** While one server may yet take it, what is final at another is not the end. */
function lessFinal(before: readonly AttemptResult[], now: readonly AttemptResult[]): readonly AttemptResult[] {
  const isFinal = now.every((one) => one.kind === 'failed')
  return isFinal && before.some((one) => one.kind === 'retry') ? before : now
}

/** From which of our addresses, and to which of theirs. */
type Way = Turn & { readonly site: SiteKey; readonly egress: EgressAddress | null }

function egressFor(outbound: Outbound, job: Job, site: SiteKey, { target }: Turn): EgressChoice {
  const { pools, warmth } = outbound.egress
  const { id: message, pool } = job
  const family = familyOf(target.address)
  return chooseEgress(pools, { pool, message, site, family, excluded: new Set(), now: outbound.now() }, warmth)
}

function notNow(one: OutgoingRecipient, choice: Extract<EgressChoice, { kind: 'wait' }>): AttemptResult {
  const until = choice.until === null ? {} : { dueAt: choice.until }
  return { ...nowhere(one, 'retry', '4.3.2', choice.because), attempted: false, ...until }
}

type Handed = {
  readonly kind: 'answered' | 'elsewhere'
  readonly results: readonly AttemptResult[]
  /** Whether the server itself was missing, and not the protection that was wanted there. */
  readonly isMissed: boolean
}

/** All recipients at one server, in as many transactions as it takes. */
async function handOver(
  outbound: Outbound,
  job: Job,
  way: Way,
  onDelivered: (results: readonly AttemptResult[]) => void,
): Promise<Handed> {
  const { target } = way
  const wanted = await wantedAt(outbound.protections, job.destination, target, job.message, outbound.settings.tlsRoots)
  if (wanted.kind === 'barred') return barred(outbound, job, way, wanted)
  const done: AttemptResult[] = []
  let left = job.recipients
  let session: ClientSession | null = null
  while (left.length > 0) {
    const batch = left.slice(0, outbound.settings.recipientsPerTransaction)
    let result: TransactionResult
    try {
      if (!job.stands()) throw new Superseded()
      ;({ session, result } = await transact(outbound, job, batch, way, wanted, session))
    } catch (error) {
      if (!(error instanceof ConnectionTrouble)) {
        if (session !== null) outbound.pool.giveBack(session)
        onDelivered(done.filter((one) => one.kind === 'delivered'))
        throw error
      }
      const status = statusOf(error)
      const kind = status.startsWith('5') ? 'failed' : 'retry'
      const missed = left.map((one) => ({ ...nowhere(one, kind, status, error.message), remote: target }))
      const isMissed = error.kind !== 'unprotected'
      return done.length === 0
        ? { kind: 'elsewhere', results: missed, isMissed }
        : { kind: 'answered', results: [...done, ...missed], isMissed }
    }
    const answered = result.results.map((one) => atServer(one, session as ClientSession))
    done.push(...answered)
    left = [...result.overflow, ...left.slice(batch.length)]
    if (!result.reusable) {
      outbound.pool.quit(session)
      session = null
    }
    if (result.tryElsewhere && done.length === answered.length) {
      if (session !== null) outbound.pool.giveBack(session)
      const rest = left.map((one) => ({
        ...nowhere(one, 'retry', '4.4.1', 'refused'),
        ...(answered[0] === undefined ? {} : { reply: answered[0].reply }),
        remote: target,
      }))
      return { kind: 'elsewhere', results: [...done, ...rest], isMissed: true }
    }
  }
  if (session !== null) outbound.pool.giveBack(session)
  return { kind: 'answered', results: done, isMissed: false }
}

/** Nothing is sent to a server that its own domain, or DNSSEC, does not vouch for. */
function barred(outbound: Outbound, job: Job, { target }: Way, wanted: Extract<Wanted, { kind: 'barred' }>): Handed {
  const { failure, domain } = wanted
  const verdict = { mayGo: false, authenticated: false, failure }
  if (domain !== null)
    outbound.protections?.note({ wanted, domain, target, verdict, addresses: { ours: '', theirs: '' } })
  const results = job.recipients.map((one) => ({
    ...nowhere(one, 'retry', failure.status, failure.because),
    remote: target,
  }))
  return { kind: 'elsewhere', results, isMissed: false }
}

/** One transaction, on the session at hand, a rested one or a new one. A rested session that turns out to be dead costs nothing. */
async function transact(
  outbound: Outbound,
  job: Job,
  batch: readonly OutgoingRecipient[],
  way: Way,
  wanted: Allowed,
  current: ClientSession | null,
): Promise<{ readonly session: ClientSession; readonly result: TransactionResult }> {
  const { timeouts } = outbound.settings
  const { message } = job
  const { warmth } = outbound.egress
  if (way.egress !== null) warmth.count(way.egress, way.site, job.id, outbound.now())
  const rested = current ?? outbound.pool.take(way.target, wanted, way.egress?.address ?? null)
  if (rested !== null) {
    if (current === null) outbound.metrics.connectionsReused++
    try {
      mustKeepTls(outbound, job, wanted, rested)
      return { session: rested, result: await sendMail(rested, message, batch, timeouts) }
    } catch (error) {
      if (error instanceof ConnectionTrouble && error.kind === 'unprotected') throw error
      outbound.pool.quit(rested)
      if (!(error instanceof ConnectionTrouble) || error.kind !== 'closed') throw error
    }
  }
  const session = await open(outbound, way, wanted)
  mustKeepTls(outbound, job, wanted, session)
  try {
    return { session, result: await sendMail(session, message, batch, timeouts) }
  } catch (error) {
    outbound.pool.quit(session)
    throw error
  }
}

/** A session that does not keep what the sender requires is left to mail that requires less. */
function mustKeepTls(outbound: Outbound, job: Job, wanted: Allowed, session: ClientSession): void {
  const gap = job.message.requireTls === true ? requireTlsGap(session, wanted) : null
  if (gap === null) return
  outbound.pool.giveBack(session)
  throw gap
}

async function open(outbound: Outbound, way: Way, wanted: Allowed): Promise<ClientSession> {
  const { metrics, settings, families } = outbound
  const { target, egress, connectWithin } = way
  const { timeouts } = settings
  const connect = Math.min(timeouts.connect, connectWithin ?? timeouts.connect)
  try {
    const session = await openSession(target, wanted, {
      hostname: egress?.ehlo ?? outbound.hostname,
      timeouts: { ...timeouts, connect },
      now: outbound.now,
      localAddress: egress?.address ?? null,
      onFallback: () => metrics.tlsFallbacks++,
      onOpened: (wire) => {
        families.opened(target)
        outbound.pool.watch(wire)
      },
      onJudged: ({ addresses }, verdict) => {
        const { domain } = wanted
        if (domain !== null && wanted.key !== 'optional')
          outbound.protections?.note({ wanted, domain, target, verdict, addresses })
      },
    })
    metrics.connectionsOpened++
    if (session.tls !== null) metrics.tlsConnections++
    return session
  } catch (error) {
    if (error instanceof ConnectionTrouble && error.kind === 'connect') families.failed(target)
    throw error
  }
}

function atServer(result: RecipientResult, session: ClientSession): AttemptResult {
  const tls = session.tls === null ? null : `${session.tls.protocol} ${session.tls.cipher}`
  return { ...result, remote: session.target, tls, dsn: session.capabilities.dsn, attempted: true }
}

/** A host that cannot be reached or does not answer (4.4.1), or one that takes no mail now (4.3.2). */
function statusOf(trouble: ConnectionTrouble): string {
  return trouble.status ?? (trouble.reply !== null ? '4.3.2' : '4.4.1')
}

function nowhere(one: OutgoingRecipient, kind: 'failed' | 'retry', status: string, words: string): AttemptResult {
  const reply = `${status} ${words}`
  return {
    index: one.index,
    kind,
    status,
    reply,
    fromRemote: false,
    remote: null,
    tls: null,
    dsn: false,
    attempted: true,
  }
}
