import type { Config } from '../../config/index.ts'
import { authenticate } from '../../path/evidence/authentication/index.ts'
import { type DecisionId, shardOfDecisionId } from '../../path/decision/index.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Resolver } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import {
  type Authenticity,
  type Enclosed,
  type FeedbackRoom,
  type LaterReport,
  openFeedbackRoom,
} from '../../rooms/feedback/index.ts'
import type { Ledger, StoredEvent } from '../../rooms/ledger/index.ts'
import type { SupervisorChannel } from '../child.ts'
import { relayNames } from '../messages.ts'
import { laterReportVerb } from '../relay/later-report-verb.ts'
import { readReturnPathKey } from '../return-path-key.ts'
import { keeperOf } from '../shards.ts'
import { repeat } from '../waiting.ts'

const takeUpEveryMs = 250
const passOnEveryMs = 1000
const hourMs = 3_600_000
/** A report waits no longer than this for name servers: who sent it is worth knowing, and not worth a jam. */
const authenticateWithinMs = 5_000

/** The feedback room of this data directory. `ledger` is asked for only when a piece is read, since the ledger takes this room's events. */
export function feedbackRoomOf(
  config: Config,
  parts: { readonly ledger: () => Ledger; readonly dns: Resolver; readonly clock: Clock; readonly log: Log },
): FeedbackRoom {
  const { dns, clock, log } = parts
  return openFeedbackRoom({
    dataDir: config.dataDir,
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
    returnPathKey: readReturnPathKey(config.dataDir),
    find: (id) => parts.ledger().find(id),
    authenticate: (about, message) => authenticityOf(about, message, dns, clock),
    log,
  })
}

/** An outbox whose events the room sees on their way into the ledger. Without a feedback listener nothing comes back that would need them. */
export function followed<Outbox extends { after(sequence: number, limit: number): unknown }>(
  config: Config,
  room: FeedbackRoom,
  outbox: Outbox,
): Outbox {
  if (!config.listeners.some((one) => one.role === 'feedback')) return outbox
  return {
    ...outbox,
    after: (sequence: number, limit: number) => {
      const events = outbox.after(sequence, limit) as readonly StoredEvent[]
      room.follow(events)
      return events
    },
  }
}

/** Takes up what came back, and has passed on what senders are owed. */
export function startFeedbackJobs(options: {
  readonly room: FeedbackRoom
  readonly channel: SupervisorChannel
  readonly ledger: Ledger
  readonly retention: { readonly reports: number }
  readonly clock: Clock
  readonly log: Log
}): { stop(): Promise<void> } {
  const { room, channel, ledger, retention, clock, log } = options
  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const { workers } = channel.config
  const store = async (report: LaterReport): Promise<void> => {
    const relay = relayNames(workers)[keeperOf(shardOfDecisionId(report.about as DecisionId), workers)]
    if (relay === undefined) throw new Error('there is no relay')
    await channel.ask(relay, laterReportVerb, report)
  }
  const takeAll = async (): Promise<void> => {
    while ((await room.takeUp()) > 0);
  }
  const forget = async (): Promise<void> => {
    const now = clock.now()
    await room.dropOlderThan(now - retention.reports, now)
    const taken = ledger.progress().find(({ shard }) => shard === room.events.shard)
    if (taken !== undefined) room.events.dropThrough(taken.sequence)
  }
  const jobs = [
    repeat(takeUpEveryMs, takeAll, trouble('reading what came back')),
    repeat(passOnEveryMs, () => room.passOn(store), trouble('passing on what came back')),
    repeat(hourMs, forget, trouble('forgetting reports that are past their retention')),
  ]
  return { stop: async () => void (await Promise.all(jobs.map((job) => job.stop()))) }
}

async function authenticityOf(
  { client, greeting, mailFrom }: Enclosed,
  message: Buffer,
  resolver: Resolver,
  clock: Clock,
): Promise<Authenticity | null> {
  const over = Promise.withResolvers<null>()
  const timer = setTimeout(() => over.resolve(null), authenticateWithinMs)
  const peer = { ip: client, helo: greeting, mailFrom: mailFrom ?? '' }
  const checked = authenticate(message, peer, { resolver, clock, receiver: null }).then(
    ({ spf, dkim, dmarc }) => ({
      spf: spf.result,
      spfDomain: spf.domain,
      dkim: dkim.flatMap((one) => (one.result === 'pass' && one.domain !== null ? [one.domain] : [])),
      dmarc: dmarc.result,
    }),
    () => null,
  )
  const known = await Promise.race([checked, over.promise])
  clearTimeout(timer)
  return known
}
