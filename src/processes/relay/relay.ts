import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/index.ts'
import { openCustody } from '../../path/custody/index.ts'
import { DecisionIds, sealPermit } from '../../path/decision/index.ts'
import { type Delivery, type DeliverySettings, defaultDelivery, startDelivery } from '../../path/delivery/index.ts'
import { openEvidence } from '../../path/evidence/index.ts'
import { openPath } from '../../path/path.ts'
import { systemClock } from '../../platform/clock.ts'
import { systemDns } from '../../platform/dns-system.ts'
import { stderrLog } from '../../platform/pino-log.ts'
import { openStore } from '../../platform/sql.ts'
import { migrateRegistry, openRegistry } from '../../rooms/registry/index.ts'
import { RollingCounters, StandingBook, countedSince } from '../../rooms/watch/index.ts'
import { type SignerClient, ensureWrappingKey, startSigner } from '../../signer/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { answerDeskQuestions } from '../desk-questions.ts'
import { migrateProgress } from '../ledger-progress.ts'
import { openDesk } from '../queue-desk.ts'
import { StartFailure, orFailure } from '../start-failure.ts'
import { atMost } from '../waiting.ts'
import { startChores } from './chores.ts'
import { listenersOf } from './listeners.ts'
import { watchPolicy } from './policy-watch.ts'

/** One relay process; more of them would be shards of their own. */
const shard = 0
/** How long mail in the air may take to finish when we stop, in milliseconds (contract section 1). */
const graceMs = 10_000
/** A signer that does not stand by then has no wrapping key that it can use. */
const signerWithinMs = 10_000

/** The start itself does not wait for it, nor does the first mail after it. */
const warmUpAfterMs = 500

/** Runs the relay process: ingress to delivery, until the supervisor says stop or is gone. */
export async function runRelay(channel: SupervisorChannel): Promise<void> {
  const { config } = channel
  const log = stderrLog(config.log, 'relay')
  const clock = systemClock
  const now = (): number => clock.now()
  await orFailure('keys.wrapping', () => ensureWrappingKey(config.keys.wrapping))
  const sealKey = new Secret(randomBytes(32))
  const signer = startSigner({ wrapping: config.keys.wrapping, sealKey }, log)
  const store = await orFailure('store.url', () => openStore(config.store.url))
  await migrateRegistry(store)
  await migrateProgress(store)
  const registry = openRegistry(store, config.operator.domain, clock)
  const standing = new StandingBook()
  const dns = systemDns(config.dns.servers, config.dns.timeoutMs)
  const custody = await openCustody({ dataDir: config.dataDir, shard, log, clock })
  const counters = new RollingCounters()
  counters.load(await custody.charges(countedSince(now())))
  const { providers, limits } = config
  const evidence = await orFailure('providers', () => openEvidence({ providers, limits, dns, clock, log }))

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
    dns,
    clock,
    log,
    settings: deliverySettings(config),
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
  })
  let isOpen = false
  const desk = { custody, delivery, holdFor: config.retention.heldBodies, now, isOpen: () => isOpen }
  answerDeskQuestions(channel, openDesk(desk))
  const chores = startChores({ delivery, custody, counters, evidence, store, shard, log })
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
  const { routes, port, sourceAddresses, retry } = config.delivery
  return {
    ...defaultDelivery,
    routes,
    port,
    sourceAddresses,
    retry,
    ownListeners: config.listeners.map((one) => ({ address: one.host, port: one.port })),
    holdFor: config.retention.heldBodies,
  }
}
