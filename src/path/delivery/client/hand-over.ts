import type { Reply } from '../../../standards/smtp/reply.ts'
import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import type { EgressAddress } from '../egress/pools.ts'
import { wantedAt } from '../protection/protections.ts'
import { requireTlsGap } from '../protection/require-tls.ts'
import type { Wanted } from '../protection/wanted.ts'
import type { Turn } from '../routing/families.ts'
import type { Destination } from '../routing/route.ts'
import type { Passage } from '../shaping/passage.ts'
import type { Shaping } from '../shaping/shaping.ts'
import { type AttemptResult, nowhere } from './attempt-result.ts'
import { type RecipientResult, refusalIn } from './outcome.ts'
import { type Subject, paced, withConsequences } from './passing.ts'
import { type Allowed, type ClientSession, openSession } from './session.ts'
import type { Outgoing, OutgoingRecipient } from './outgoing.ts'
import { type TransactionResult, sendMail } from './transaction.ts'
import { ConnectionTrouble, Superseded } from './trouble.ts'
import type { Outbound } from './outbound.ts'

/** A message, and those to whom it is to go. */
export type Job = Subject & {
  /** The pool of our addresses that the policy names for it, or null. */
  readonly pool: string | null
  readonly destination: Destination
  readonly message: Outgoing
  readonly recipients: readonly OutgoingRecipient[]
  /** Whether the judgement behind the message still stands; asked just before each transaction, since a place may be long to wait for. */
  readonly stands: () => boolean
}

/** From which of our addresses, and to which of theirs. */
export type Way = Turn & { readonly passage: Passage; readonly egress: EgressAddress | null }

type Handed = {
  readonly kind: 'answered' | 'elsewhere'
  readonly results: readonly AttemptResult[]
  /** Whether the server itself was missing, and not the protection that was wanted there. */
  readonly isMissed: boolean
}

/** So often in one attempt a server that closed over one recipient is met again for the others. */
const maxPartings = 3

/** All recipients at one server, in as many transactions as it takes. */
export async function handOver(
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
