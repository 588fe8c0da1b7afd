import type { ApiOptions } from '../../doors/api/app.ts'
import { newToken, openTokenBook, tokenMigrations } from '../../doors/api/tokens.ts'
import { openOutboxReader } from '../../path/custody/index.ts'
import { ruleOrder, rules } from '../../path/decision/index.ts'
import { systemClock } from '../../platform/clock.ts'
import { aliasDnsAt } from '../../platform/dns-alias.ts'
import { cachedDns, systemDns } from '../../platform/dns-system.ts'
import { stderrLog } from '../../platform/pino-log.ts'
import { openStore, runMigrations } from '../../platform/sql.ts'
import { type Ledger, openLedger } from '../../rooms/ledger/index.ts'
import { migrateRegistry, openRegistry, openSuppressions, policyContext } from '../../rooms/registry/index.ts'
import { migrateBulk, openBulkBook } from '../../rooms/watch/index.ts'
import { ensureWrappingKey } from '../../signer/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { askDesks, askReadiness } from '../desk-questions.ts'
import { migrateProgress, projector } from '../ledger-progress.ts'
import { readLocalAccess, writeLocalAccess } from '../local-access.ts'
import { shardsOf } from '../shards.ts'
import { lendLimits } from '../shared-limits.ts'
import { poolNames } from '../pool-names.ts'
import { askShaping } from '../shaping-desk.ts'
import { StartFailure, orFailure } from '../start-failure.ts'
import { atMost } from '../waiting.ts'
import { apiOnDemand } from './api-on-demand.ts'
import { feedbackRoomOf, followed, startFeedbackJobs } from './feedback.ts'
import { LiveEvents } from './event-feed.ts'
import { startJobs } from './jobs.ts'
import { keyPlacesIn } from './key-operations.ts'
import { keysWithinMs, openKeyKeeper } from './keys.ts'
import { openOperations } from './operations.ts'
import { openProofKeeper } from './proofs.ts'
import { ourPlace } from './return-path-records.ts'
import { takePolicyFile } from './policy-file.ts'
import { serve } from './serve.ts'
import { openTenantFinder } from './tenants.ts'

/** The start itself does not wait for it, nor does whoever asks first. */
const warmUpAfterMs = 500

/** Runs the control process: policy, API and jobs, until the supervisor says stop or is gone. */
export async function runControl(channel: SupervisorChannel): Promise<void> {
  const { config } = channel
  const log = stderrLog(config.log, 'control')
  const clock = systemClock
  const store = await orFailure('store.url', () => openStore(config.store.url))
  await migrateRegistry(store)
  await migrateProgress(store)
  await migrateBulk(store)
  await runMigrations(store, 'api', tokenMigrations)
  await orFailure('keys.wrapping', () => ensureWrappingKey(config.keys.wrapping))

  const registry = openRegistry(store, config.operator.domain, clock)
  await registry.claimOwnDomain()
  const context = policyContext(config.operator.domain, config.providers, poolNames(config))
  lendLimits(channel, clock)
  const problems = await takePolicyFile(config.policy, registry, context, log)
  if (problems.length > 0 && channel.firstStart) throw new StartFailure(problems.join('\n'))
  channel.say({ kind: 'policy-taken' })

  const outboxes = shardsOf(config.dataDir, config.workers).map((shard) => openOutboxReader(config.dataDir, shard))
  const feedback = feedbackRoomOf(config, {
    ledger: () => ledger,
    dns: cachedDns(config.dns.servers, config.dns.timeoutMs, clock),
    clock,
    log,
  })
  const suppressions = openSuppressions(store, clock)
  const bulk = openBulkBook(store)
  const events = new LiveEvents(() => operations.queueCounts())
  const ledger: Ledger = openLedger({
    dataDir: config.dataDir,
    outboxes: [...outboxes.map((outbox) => followed(config, feedback, outbox)), registry.events, feedback.events],
    followers: [suppressions.take, bulk.take, events.follow],
    log,
  })
  const project = projector(ledger, store)
  const keyPlaces = keyPlacesIn(config, clock)
  const firstHand = {
    dns: systemDns(config.dns.servers, config.dns.timeoutMs),
    dnsAt: (address: string) => aliasDnsAt(address, config.dns.timeoutMs),
  }
  const keys = openKeyKeeper({ registry, ...keyPlaces, rotateAfter: config.keys.rotateAfter, ...firstHand, log })
  const tenants = openTenantFinder({ registry, login: config.providers.m365.login, ...config.dns })
  const proofs = openProofKeeper({ registry, graceMs: config.proof.grace, ...firstHand, place: ourPlace(config), log })
  const made = keys.makeFirst().catch((error: unknown) => log.error('keys could not be made yet', { error }))
  await atMost(keysWithinMs, made)

  // The token of this instance outlives a crash of this process, so that a shell which has just read it is not turned away.
  const local = readLocalAccess(config)?.token ?? new Secret(newToken())
  const tokens = openTokenBook(store, local)
  const bootstrap = process.env['ANECHOIC_BOOTSTRAP_TOKEN']
  if (bootstrap !== undefined && bootstrap !== '') await tokens.bootstrap(new Secret(bootstrap), clock.now())
  const desk = askDesks(channel)
  const operations = openOperations({
    registry,
    ledger,
    project,
    desk,
    shaping: askShaping(channel),
    keys,
    keyPlaces,
    proofs,
    tenants,
    suppressions,
    bulk,
    context,
    policyFile: config.policy,
    log,
  })
  const api = apiOnDemand({ operations, events, tokens, rulePage, ready: () => askReadiness(channel), log })
  const door = await serve(config, channel.firstStart, api.listener)
  writeLocalAccess(config, door.port, local)

  const jobs = startJobs({
    registry,
    ledger,
    project,
    keys,
    proofs,
    suppressions,
    bulk,
    retention: config.retention,
    clock,
    log,
  })
  const feedbackJobs = startFeedbackJobs({ room: feedback, channel, ledger, retention: config.retention, clock, log })
  channel.onReload(async (next) => {
    door.renew(next)
    return takePolicyFile(next.policy, registry, context, log)
  })
  channel.onStop(async () => {
    door.close()
    await Promise.all([jobs.stop(), feedbackJobs.stop()])
    feedback.close()
    ledger.close()
    for (const outbox of outboxes) outbox.close()
    await store.destroy()
  })
  channel.say({ kind: 'listening', what: 'http', name: 'control', address: door.address, port: door.port })
  channel.say({ kind: 'ready' })
  setTimeout(() => api.warmUp(), warmUpAfterMs).unref()
  if (problems.length > 0) channel.say({ kind: 'reloaded', problems })
}

function rulePage(asked: string): ReturnType<ApiOptions['rulePage']> {
  const id = ruleOrder.find((rule) => rule === asked)
  return id === undefined ? null : { id, ...rules[id] }
}
