import type { Custody } from '../../path/custody/index.ts'
import { limitKeysOf, limitsByKey } from '../../path/decision/index.ts'
import { type Delivery, WarmUpBook } from '../../path/delivery/index.ts'
import { openEvidence } from '../../path/evidence/index.ts'
import { cachedDns } from '../../platform/dns-system.ts'
import { openStore } from '../../platform/sql.ts'
import { type LaterReport, openFeedbackDoor, openLetterbox } from '../../rooms/feedback/index.ts'
import { type PolicySnapshot, migrateRegistry, openRegistry } from '../../rooms/registry/index.ts'
import { CopyCounter, RollingCounters, StandingBook, countedSince } from '../../rooms/watch/index.ts'
import type { SignerClient } from '../../signer/index.ts'
import type { SupervisorChannel } from '../child.ts'
import { answerDeskQuestions } from '../desk-questions.ts'
import { migrateProgress } from '../ledger-progress.ts'
import { joinShardDesks } from '../joined-desk.ts'
import { type QueueDesk, openDesk } from '../queue-desk.ts'
import { readReturnPathKey } from '../return-path-key.ts'
import { type SharedLimits, type SharedLimitsOptions, shareLimits } from '../shared-limits.ts'
import { answerShapingQuestions } from '../shaping-desk.ts'
import { StartFailure, orFailure } from '../start-failure.ts'
import { atMost } from '../waiting.ts'
import { type AdoptedShards, adoptShards } from './adopted.ts'
import { startChores, startShardChores } from './chores.ts'
import { feedbackGate } from './feedback-gate.ts'
import { laterReportVerb } from './later-report-verb.ts'
import { storeLaterReport } from './later-reports.ts'
import { listenersOf } from './listeners.ts'
import { openOutboundTls } from './outbound-tls.ts'
import { warnOfNames } from './own-names.ts'
import { watchPolicy } from './policy-watch.ts'
import { openShapingKeeper } from './shaping-keeper.ts'
import { shapeTogether } from './shaping-together.ts'
import { SiteBudget } from './site-budget.ts'
import type { Started } from './started.ts'
import { watchSuppressions } from './suppression-watch.ts'
import { type Common, openWay } from './way.ts'

/** How long mail in the air may take to finish when we stop, in milliseconds (contract section 1). */
const graceMs = 10_000
/** A signer that does not stand by then has no wrapping key that it can use. */
const signerWithinMs = 10_000

/** The start itself does not wait for it, nor does the first mail after it. */
const warmUpAfterMs = 500

/** Joins the rooms of a relay, ingress to delivery, and opens its listeners. */
export async function composeRelay(channel: SupervisorChannel, started: Started): Promise<void> {
  const { config } = channel
  const { shard, signer, sealKey, custody, log, clock } = started
  const now = (): number => clock.now()
  const store = await orFailure('store.url', () => openStore(config.store.url))
  await migrateRegistry(store)
  await migrateProgress(store)
  const registry = openRegistry(store, config.operator.domain, clock)
  const standing = new StandingBook()
  const dns = cachedDns(config.dns.servers, config.dns.timeoutMs, clock)
  const counters = new RollingCounters()
  const copies = new CopyCounter()
  const warmth = new WarmUpBook()
  const loadCharges = async (from: Custody): Promise<void> => {
    const saved = await from.charges(countedSince(now()))
    counters.load(saved.filter((charge) => !CopyCounter.owns(charge) && !WarmUpBook.owns(charge)))
    copies.load(saved)
    warmth.load(saved, now())
  }
  await loadCharges(custody)
  const { providers, limits } = config
  const evidence = await orFailure('providers', () => openEvidence({ providers, limits, dns, clock, log }))

  const tls = await openOutboundTls(config, dns, clock, log)
  const suppressions = await watchSuppressions(store, clock, log)
  await channel.policyTaken()
  const carrying: Pick<Delivery, 'kick'>[] = []
  let adopted: AdoptedShards | null = null
  let sharing: SharedLimits | null = null
  const siteBudget = new SiteBudget(config.workers)
  const policy = await watchPolicy({
    registry,
    standing,
    signer,
    operator: config.operator.domain,
    log,
    onChange: (customers) => {
      for (const one of carrying) one.kick()
      for (const id of customers) {
        const customer = policy.current().customers.get(id)
        if (customer !== undefined) sharing?.book.tell(limitKeysOf(customer))
      }
    },
  })
  sharing =
    config.workers === 1
      ? null
      : shareLimits(channel, { ...countedIn(counters, copies, policy.current, now, siteBudget), clock, log })
  const returnKey = readReturnPathKey(config.dataDir)
  if (sharing !== null) siteBudget.shareBy(sharing.book)
  const shaping = openShapingKeeper({ dataDir: config.dataDir, shard, read: channel.shaping, log })
  if (channel.firstStart && shaping.problems.length > 0) throw new StartFailure(shaping.problems.join('\n'))
  const common: Common = {
    config,
    signer,
    sealKey,
    log,
    clock,
    dns,
    evidence,
    policy,
    standing,
    counters,
    copies,
    warmth,
    suppressions: suppressions.book,
    tls,
    shaping,
    returnKey,
    siteBudget,
    shared: sharing?.book ?? null,
  }
  const own = openWay(common, shard, custody)
  tls.report({ custody, ...own.path, kick: () => own.delivery.kick() })
  carrying.push(own.delivery)
  let isOpen = false
  const deskOf = (kept: Custody, delivery: Delivery): QueueDesk =>
    openDesk({ custody: kept, delivery, holdFor: config.retention.heldBodies, now, isOpen: () => isOpen })
  const desks = new Map<number, QueueDesk>()
  answerShapingQuestions(channel, own.delivery.shaping)
  shapeTogether(channel, own.delivery.shaping, log)
  answerDeskQuestions(channel, joinShardDesks(deskOf(custody, own.delivery), desks))
  const chores = [
    startChores({ custody, counters, copies, warmth, evidence, log }),
    startShardChores({ delivery: own.delivery, custody, store, shard, log }),
  ]
  const door = openFeedbackDoor({
    addresses: config.feedback.addresses,
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
    returnPathKey: returnKey,
    letterbox: openLetterbox(config.dataDir, now),
    now,
  })
  const gates = { relay: own.path.gate, feedback: feedbackGate(door, clock) }
  const listeners = listenersOf(channel, gates, log, clock)
  channel.answerOne(laterReportVerb, (report) =>
    storeLaterReport(report as LaterReport, {
      ...own,
      custody,
      hostname: config.hostname,
      operatorDomain: config.operator.domain,
      clock,
    }),
  )
  channel.onReload((next, read) => {
    listeners.update(next)
    return Promise.resolve(shaping.reload(read))
  })
  channel.onStop(async () => {
    isOpen = false
    await Promise.all([listeners.close(graceMs), own.delivery.drain(graceMs), adopted?.close(graceMs)])
    shaping.close()
    await Promise.all([policy.stop(), suppressions.stop()])
    await Promise.all([...chores.map((chore) => chore.stop()), tls.stop()])
    await Promise.all([custody.close(), signer.close()])
    await store.destroy()
  })
  await listeners.open()
  isOpen = true
  if (channel.firstStart) await signerStands(signer)
  channel.say({ kind: 'ready' })
  adopted = adoptShards({
    shards: channel.adopted,
    dataDir: config.dataDir,
    clock,
    log,
    carry: async (at, kept) => {
      await loadCharges(kept)
      const { delivery, budget } = openWay(common, at, kept)
      desks.set(at, deskOf(kept, delivery))
      const shardChores = startShardChores({ delivery, custody: kept, store, shard: at, log })
      return {
        custody: kept,
        delivery,
        stop: () => {
          desks.delete(at)
          budget?.leave()
          return shardChores.stop()
        },
      }
    },
  })
  carrying.push(adopted)
  setTimeout(() => evidence.warmUp(), warmUpAfterMs).unref()
  warnOfNames(config, dns, log).catch((error: unknown) => log.error('our names could not be looked up', { error }))
}

/** What the relay knows of its limits, for sharing them. */
function countedIn(
  counters: RollingCounters,
  copies: CopyCounter,
  policy: () => PolicySnapshot,
  now: () => number,
  sites: SiteBudget,
): Pick<SharedLimitsOptions, 'usedOf' | 'limitsOf' | 'counted'> {
  return {
    usedOf: (key) => {
      const open = sites.usedOf(key)
      if (open !== null) return open
      if (key.startsWith(CopyCounter.keyOf(''))) return [copies.reached(key, now())]
      const { messagesLastHour, messagesLastDay, recipientsLastHour, recipientsLastDay } = counters.counts(key, now())
      const recipients = [recipientsLastHour, recipientsLastDay]
      return key.startsWith('grant/') ? [messagesLastHour, messagesLastDay, ...recipients] : recipients
    },
    limitsOf: (key) => limitsByKey(key, policy()),
    counted: () => [...counters.keys(), ...copies.keys()],
  }
}

/** Said at the first start, when a person looks on: later a signer that is away is only a delay. */
async function signerStands(signer: SignerClient): Promise<void> {
  if (await atMost(signerWithinMs, signer.ready())) return
  throw new StartFailure('keys.wrapping: the signer does not start with it; its own words are above')
}
