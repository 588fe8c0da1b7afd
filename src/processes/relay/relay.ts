import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../../config/index.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { systemDns } from '../../platform/dns-system.ts'
import { stderrLog } from '../../platform/pino-log.ts'
import { openStore } from '../../platform/sql.ts'
import { openCustody } from '../../path/custody/index.ts'
import { DecisionIds, sealPermit } from '../../path/decision/index.ts'
import { type Delivery, type DeliverySettings, defaultDelivery, startDelivery } from '../../path/delivery/index.ts'
import { openEvidence } from '../../path/evidence/index.ts'
import { IngressBudget, type Listener, type ListenerOptions, startListener } from '../../path/ingress/index.ts'
import { openPath } from '../../path/path.ts'
import { migrateRegistry, openRegistry } from '../../rooms/registry/index.ts'
import { RollingCounters, StandingBook, countedSince } from '../../rooms/watch/index.ts'
import { ensureWrappingKey, startSigner } from '../../signer/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { answerDeskQuestions } from '../desk-questions.ts'
import { readProgress } from '../ledger-progress.ts'
import { openDesk } from '../queue-desk.ts'
import { repeat, whenPortIsFree } from '../waiting.ts'
import { watchPolicy } from './policy-watch.ts'

/** One relay process; more of them would be shards of their own. */
const shard = 0
/** How long mail in the air may take to finish when we stop, in milliseconds (contract section 1). */
const graceMs = 10_000

/** Runs the relay process: ingress to delivery, until the supervisor says stop or is gone. */
export async function runRelay(channel: SupervisorChannel): Promise<void> {
  const { config } = channel
  const log = stderrLog(config.log, 'relay')
  const clock = systemClock
  const store = openStore(config.store.url)
  await migrateRegistry(store)
  ensureWrappingKey(config.keys.wrapping)
  const registry = openRegistry(store, config.operator.domain, clock)
  const sealKey = new Secret(randomBytes(32))
  const signer = startSigner({ wrapping: config.keys.wrapping, sealKey }, log)
  const standing = new StandingBook()
  const dns = systemDns(config.dns.servers, config.dns.timeoutMs)
  const custody = await openCustody({ dataDir: config.dataDir, shard, log, clock })
  const counters = new RollingCounters()
  counters.load(await custody.charges(countedSince(clock.now())))

  let delivery: Delivery | null = null
  const policy = await watchPolicy({
    registry,
    standing,
    signer,
    operator: config.operator.domain,
    log,
    onChange: () => delivery?.kick(),
  })
  const evidence = openEvidence({ providers: config.providers, limits: config.limits, dns, clock, log })
  const path = openPath({
    evidence,
    policy: policy.current,
    standing,
    counters,
    custody,
    carry: (message, body) => delivery?.offer(message, body),
    ids: new DecisionIds(clock.now, shard, Math.random),
    clock,
    log,
    operator: config.operator.domain,
    holdFor: config.retention.heldBodies,
  })
  delivery = startDelivery({
    custody,
    signer,
    rejudge: path.rejudge,
    seal: (permit, key, input) => sealPermit(permit, key, input, sealKey, clock.now()),
    admitOwn: path.admitOwn,
    dns,
    clock,
    log,
    settings: deliverySettings(config),
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
  })
  answerDeskQuestions(channel, openDesk(custody, delivery, config.retention.heldBodies, clock.now))

  const chores = startChores({ delivery, custody, counters, evidence, store, log })
  const listeners = await openListeners(config, path.gate, log, clock, channel)
  const carrying = delivery
  channel.onStop(async () => {
    await Promise.all([...listeners.map((listener) => listener.close(graceMs)), carrying.drain(graceMs)])
    policy.stop()
    await chores.stop()
    await custody.close()
    await signer.close()
    await store.destroy()
  })
  channel.say({ kind: 'ready' })
}

const dayMs = 86_400_000

type Chores = {
  readonly delivery: Delivery
  readonly custody: Awaited<ReturnType<typeof openCustody>>
  readonly counters: RollingCounters
  readonly evidence: ReturnType<typeof openEvidence>
  readonly store: ReturnType<typeof openStore>
  readonly log: ReturnType<typeof stderrLog>
}

/** What recurs beside the mail: counters to disk, holds that run out, the outbox trimmed, the provider's address list refreshed. */
function startChores({ delivery, custody, counters, evidence, store, log }: Chores): { stop(): Promise<void> } {
  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const saveCounters = async (): Promise<void> => {
    const changed = counters.drain()
    if (changed.length > 0) await custody.charge(changed)
  }
  const running = [
    repeat(250, saveCounters, trouble('saving the counters')),
    repeat(1000, async () => void (await delivery.expireHolds()), trouble('ending holds that ran out')),
    repeat(1000, async () => custody.trimOutbox(await readProgress(store, shard)), trouble('trimming the outbox')),
    repeat(dayMs, () => evidence.refreshNetworks(), trouble('refreshing the address list of Microsoft 365')),
  ]
  return {
    stop: async () => {
      await Promise.all(running.map((chore) => chore.stop()))
      await saveCounters()
    },
  }
}

async function openListeners(
  config: Config,
  gate: Parameters<typeof startListener>[1],
  log: Parameters<typeof startListener>[2],
  clock: Clock,
  channel: SupervisorChannel,
): Promise<readonly Listener[]> {
  const budget = new IngressBudget(config.limits, clock)
  const listeners: Listener[] = []
  for (const one of config.listeners) {
    const options: ListenerOptions = {
      name: one.name,
      host: one.host,
      port: one.port,
      hostname: config.hostname,
      tls: one.tls === null ? null : { cert: readFileSync(one.tls.cert), key: readFileSync(one.tls.key) },
      requireTls: one.requireTls,
      auth: one.auth,
      limits: config.limits,
      budget,
    }
    const listener = await whenPortIsFree(() => startListener(options, gate, log, clock))
    listeners.push(listener)
    channel.say({ kind: 'listening', what: 'smtp', address: listener.address, port: listener.port })
  }
  return listeners
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
