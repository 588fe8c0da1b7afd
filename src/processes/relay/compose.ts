import type { Config } from '../../config/index.ts'
import type { Custody } from '../../path/custody/index.ts'
import { DecisionIds, sealPermit } from '../../path/decision/index.ts'
import {
  type Delivery,
  type DeliverySettings,
  WarmUpBook,
  defaultDelivery,
  startDelivery,
} from '../../path/delivery/index.ts'
import { openEvidence } from '../../path/evidence/index.ts'
import { openPath } from '../../path/path.ts'
import type { Clock } from '../../platform/clock.ts'
import { cachedDns } from '../../platform/dns-system.ts'
import type { Log } from '../../platform/log.ts'
import { openStore } from '../../platform/sql.ts'
import { migrateRegistry, openRegistry } from '../../rooms/registry/index.ts'
import { CopyCounter, RollingCounters, StandingBook, countedSince } from '../../rooms/watch/index.ts'
import type { SignerClient } from '../../signer/index.ts'
import type { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { answerDeskQuestions } from '../desk-questions.ts'
import { migrateProgress } from '../ledger-progress.ts'
import { openDesk } from '../queue-desk.ts'
import { readReturnPathKey } from '../return-path-key.ts'
import { StartFailure, orFailure } from '../start-failure.ts'
import { atMost } from '../waiting.ts'
import { startChores } from './chores.ts'
import { listenersOf } from './listeners.ts'
import { returnAddresses } from './return-addresses.ts'
import { watchPolicy } from './policy-watch.ts'

/** How long mail in the air may take to finish when we stop, in milliseconds (contract section 1). */
const graceMs = 10_000
/** A signer that does not stand by then has no wrapping key that it can use. */
const signerWithinMs = 10_000

/** The start itself does not wait for it, nor does the first mail after it. */
const warmUpAfterMs = 500

/** What is started before the rest is loaded. */
export type Started = {
  readonly shard: number
  readonly signer: SignerClient
  readonly sealKey: Secret<Buffer>
  readonly custody: Custody
  readonly log: Log
  readonly clock: Clock
}

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
  const saved = await custody.charges(countedSince(now()))
  counters.load(saved.filter((charge) => !CopyCounter.owns(charge) && !WarmUpBook.owns(charge)))
  copies.load(saved)
  const { providers, limits } = config
  const evidence = await orFailure('providers', () => openEvidence({ providers, limits, dns, clock, log }))
  const warmth = new WarmUpBook()
  warmth.load(saved, now())

  await channel.policyTaken()
  let delivery: Delivery | null = null
  const policy = await watchPolicy({
    registry,
    standing,
    signer,
    operator: config.operator.domain,
    log,
    onChange: () => delivery?.kick(),
  })
  const path = openPath({
    evidence,
    policy: policy.current,
    standing,
    counters,
    copies,
    custody,
    carry: (message, body) => delivery?.offer(message, body),
    ids: new DecisionIds(now, shard, Math.random),
    clock,
    log,
    operator: config.operator.domain,
    holdFor: config.retention.heldBodies,
  })
  delivery = startDelivery({
    custody,
    signer,
    rejudge: path.rejudge,
    seal: (permit, key, input) => sealPermit(permit, key, input, sealKey, now()),
    admitOwn: path.admitOwn,
    returnAddress: returnAddresses(path, readReturnPathKey(config.dataDir), clock),
    dns,
    clock,
    log,
    settings: deliverySettings(config),
    warmth,
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
  })
  let isOpen = false
  const desk = { custody, delivery, holdFor: config.retention.heldBodies, now, isOpen: () => isOpen }
  answerDeskQuestions(channel, openDesk(desk))
  const chores = startChores({ delivery, custody, counters, copies, warmth, evidence, store, shard, log })
  const listeners = listenersOf(channel, path.gate, log, clock)
  const carrying = delivery
  channel.onReload((next) => {
    listeners.update(next)
    return Promise.resolve([])
  })
  channel.onStop(async () => {
    isOpen = false
    await Promise.all([listeners.close(graceMs), carrying.drain(graceMs)])
    await policy.stop()
    await chores.stop()
    await Promise.all([custody.close(), signer.close()])
    await store.destroy()
  })
  await listeners.open()
  isOpen = true
  if (channel.firstStart) await signerStands(signer)
  channel.say({ kind: 'ready' })
  setTimeout(() => evidence.warmUp(), warmUpAfterMs).unref()
}

/** Said at the first start, when a person looks on: later a signer that is away is only a delay. */
async function signerStands(signer: SignerClient): Promise<void> {
  if (await atMost(signerWithinMs, signer.ready())) return
  throw new StartFailure('keys.wrapping: the signer does not start with it; its own words are above')
}

function deliverySettings(config: Config): DeliverySettings {
  const { routes, port, sourceAddresses, pools, retry } = config.delivery
  return {
    ...defaultDelivery,
    routes,
    port,
    sourceAddresses,
    retry,
    ownListeners: config.listeners.map((one) => ({ address: one.host, port: one.port })),
    holdFor: config.retention.heldBodies,
    pools,
  }
}
