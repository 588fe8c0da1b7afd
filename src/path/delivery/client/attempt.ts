import type { Reply } from '../../../standards/smtp/reply.ts'
import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
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
import type { Passage, ShapedSite } from '../shaping/passage.ts'
import type { Shaping, Standstill } from '../shaping/shaping.ts'
import { Evicted, type Leave, type Limiter } from './limiter.ts'
import type { DestinationHealth } from './health.ts'
import { type Subject, paced, withConsequences } from './passing.ts'
import type { SessionPool } from './pool.ts'
import { type Allowed, type ClientSession, openSession } from './session.ts'
import { type RecipientResult, refusalIn } from './outcome.ts'
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
  /** What the server's refusal was about; absent where it refused nothing. */
  readonly class?: ReplyClass
  /** The first `times` waits are this long, in milliseconds, instead of those of the retry clock. */
  readonly ownClock?: { readonly after: number; readonly times: number }
}

type Job = Subject & {
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

/** The place that an attempt has at one passage at a time. */
class Doors {
  readonly #outbound: Outbound
  #inside: { readonly key: string; readonly leave: Leave } | null = null
  #entered = false

  constructor(outbound: Outbound) {
    this.#outbound = outbound
  }

  /** Waits for a place on the passage, and gives back that on any other. False when nobody may wait there at present. */
  async enter({ key }: Passage): Promise<boolean> {
    if (this.#inside?.key === key) return true
    this.leave()
    const leave = await this.#outbound.limiter.enter(key).catch((error: unknown) => {
      if (error instanceof Evicted) return null
      throw error
    })
    if (leave === null) return false
    this.#inside = { key, leave }
    if (!this.#entered) this.#outbound.metrics.attempts++
    this.#entered = true
    return true
  }

  leave(): void {
    this.#inside?.leave()
    this.#inside = null
  }
}

/** While one server may yet take it, what is final at another is not the end. */
function lessFinal(before: readonly AttemptResult[], now: readonly AttemptResult[]): readonly AttemptResult[] {
  const isFinal = now.every((one) => one.kind === 'failed')
  return isFinal && before.some((one) => one.kind === 'retry') ? before : now
}

/** From which of our addresses, and to which of theirs. */
type Way = Turn & { readonly passage: Passage; readonly egress: EgressAddress | null }

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

type Handed = {
  readonly kind: 'answered' | 'elsewhere'
  readonly results: readonly AttemptResult[]
  /** Whether the server itself was missing, and not the protection that was wanted there. */
  readonly isMissed: boolean
}

/** So often in one attempt a server that closed over one recipient is met again for the others. */
const maxPartings = 3

/** All recipients at one server, in as many transactions as it takes. */
async function handOver(
  outbound: Outbound,
  job: Job,
  way: Way,
  onDelivered: (results: readonly AttemptResult[]) => void,
): Promise<Handed> {
  const { target, passage } = way
  const { shaping } = outbound
  const began = outbound.now()
  const domain = domainOf(job.destination)
  const learnt = (results: readonly AttemptResult[]) => withConsequences(shaping, passage, job, domain, began, results)
  const wanted = await wantedAt(outbound.protections, job.destination, target, job.message, outbound.settings.tlsRoots)
  if (wanted.kind === 'barred') return barred(outbound, job, way, wanted)
  const done: AttemptResult[] = []
  let left = job.recipients
  let partings = 0
  let session: ClientSession | null = null
  while (left.length > 0) {
    const batch = left.slice(0, outbound.settings.recipientsPerTransaction)
    let result: TransactionResult
    try {
      const comeBack = await paced(shaping, passage, job.fresh)
      if (comeBack !== null) {
        if (session !== null) outbound.pool.giveBack(session)
        const because = `the site is given no more than ${rateInWords(shaping, passage)} at present`
        const rest = left.map((one) => ({
          ...nowhere(one, 'retry', '4.3.2', because),
          attempted: false,
          dueAt: comeBack,
        }))
        return { kind: 'answered', results: [...learnt(done), ...rest], isMissed: false }
      }
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
      const about = {
        ...(error.reply === null ? {} : { class: classOf(outbound, passage, error.reply) }),
        ...(error.dialogue === null ? {} : { dialogue: error.dialogue.text() }),
      }
      const missed = left.map((one) => ({ ...nowhere(one, kind, status, error.message), ...about, remote: target }))
      const isMissed = error.kind !== 'unprotected'
      const results = learnt([...done, ...missed])
      return { kind: done.length === 0 ? 'elsewhere' : 'answered', results, isMissed }
    }
    const answered = result.results.map((one) => atServer(outbound, passage, one, session as ClientSession))
    done.push(...answered)
    left = [...result.overflow, ...left.slice(batch.length)]
    const over = answered.at(-1)
    if (result.partedFrom.length > 0 && over !== undefined) {
      if (partings++ < maxPartings) left = [...result.partedFrom, ...left]
      else done.push(...result.partedFrom.map(({ index }) => ({ ...over, index })))
    }
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
      return { kind: 'elsewhere', results: learnt([...done, ...rest]), isMissed: true }
    }
  }
  if (session !== null) outbound.pool.giveBack(session)
  return { kind: 'answered', results: learnt(done), isMissed: false }
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

/** One transaction, on the session at hand, a rested one or a new one. A rested session that turns out to be dead, or at its end, costs nothing. */
async function transact(
  outbound: Outbound,
  job: Job,
  batch: readonly OutgoingRecipient[],
  way: Way,
  wanted: Allowed,
  current: ClientSession | null,
): Promise<{ readonly session: ClientSession; readonly result: TransactionResult }> {
  const timeouts = outbound.health.timeoutsFor(way.passage.site.servers, outbound.settings.timeouts)
  const { message } = job
  const { warmth } = outbound.egress
  if (way.egress !== null) warmth.count(way.egress, way.passage.site.key, job.id, outbound.now())
  const rested = current ?? outbound.pool.take(way.passage.key, way.target, wanted)
  if (rested !== null) {
    if (current === null) outbound.metrics.connectionsReused++
    try {
      mustKeepTls(outbound, job, wanted, rested)
      const result = await sendMail(rested, message, batch, timeouts)
      // Many servers take so many messages over one connection, and say 421 or 452 to the next MAIL: that is no word about this one.
      if (!result.tryElsewhere) return { session: rested, result }
      outbound.pool.quit(rested)
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
  const { target, egress, passage, connectWithin } = way
  const timeouts = outbound.health.timeoutsFor(passage.site.servers, settings.timeouts)
  const { connections } = outbound.shaping.limitOf(passage.key)
  await outbound.pool.makeRoom(passage.key, outbound.limiter.openAt(passage.key), connections)
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
        outbound.pool.watch(wire, passage.key)
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

function atServer(
  outbound: Outbound,
  passage: Passage,
  result: RecipientResult,
  session: ClientSession,
): AttemptResult {
  const tls = session.tls === null ? null : `${session.tls.protocol} ${session.tls.cipher}`
  const about =
    result.kind === 'delivered' || !result.fromRemote
      ? {}
      : { class: outbound.shaping.classOf(passage.site, refusalIn(result)) }
  return { ...result, ...about, remote: session.target, tls, dsn: session.capabilities.dsn, attempted: true }
}

function classOf(outbound: Outbound, passage: Passage, reply: Reply): ReplyClass {
  const { code, enhanced, lines } = reply
  return outbound.shaping.classOf(passage.site, { code, enhanced, text: lines.join(' ') })
}

/** A host that cannot be reached or does not answer (4.4.1), or one that takes no mail now (4.3.2). */
function statusOf(trouble: ConnectionTrouble): string {
  return trouble.status ?? (trouble.reply !== null ? '4.3.2' : '4.4.1')
}

function domainOf(destination: Destination): string {
  return destination.kind === 'mx' ? destination.domain : destination.host
}

function rateInWords(shaping: Shaping, passage: Passage): string {
  const { rate } = shaping.allowanceOf(passage)
  return rate === null ? 'its part' : `${((rate.messages / rate.per) * 60_000).toPrecision(3)} messages a minute`
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
