import type { Config } from '../config/index.ts'
import type { Operations } from '../doors/operations.ts'
import { type Custody, openCustody, openOutboxReader } from '../path/custody/index.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { aliasDnsAt } from '../platform/dns-alias.ts'
import { systemDns } from '../platform/dns-system.ts'
import type { HeldLock } from '../platform/lock.ts'
import type { Log } from '../platform/log.ts'
import { stderrLog } from '../platform/pino-log.ts'
import { openStore } from '../platform/sql.ts'
import { openLedger } from '../rooms/ledger/index.ts'
import { migrateRegistry, openRegistry, openSuppressions, policyContext } from '../rooms/registry/index.ts'
import { migrateBulk, openBulkBook } from '../rooms/watch/index.ts'
import { ensureWrappingKey } from '../signer/index.ts'
import { keyPlacesIn } from './control/key-operations.ts'
import { openKeyKeeper } from './control/keys.ts'
import { openOperations } from './control/operations.ts'
import { openProofKeeper } from './control/proofs.ts'
import { ourPlace } from './control/return-path-records.ts'
import { openTenantFinder } from './control/tenants.ts'
import { joinShardDesks } from './joined-desk.ts'
import { migrateProgress, projector } from './ledger-progress.ts'
import { openOfflineShaping } from './offline-shaping.ts'
import { type QueueDesk, openOfflineDesk } from './queue-desk.ts'
import { shardsOf } from './shards.ts'
import { poolNames } from './pool-names.ts'
import { orFailure } from './start-failure.ts'

/** The operations on the stores themselves, while no server runs: `lock` is the data directory's, and is given back by `close`. */
export async function openOffline(
  config: Config,
  lock: HeldLock,
): Promise<{ readonly operations: Operations; close(): Promise<void> }> {
  const log = stderrLog({ ...config.log, level: 'warn' }, 'offline')
  const clock = systemClock
  const store = await orFailure('store.url', () => openStore(config.store.url))
  await migrateRegistry(store)
  await migrateProgress(store)
  await migrateBulk(store)
  await orFailure('keys.wrapping', () => ensureWrappingKey(config.keys.wrapping))
  const registry = openRegistry(store, config.operator.domain, clock)
  const shards = await openShards(config, log, clock)
  const outboxes = [...shards.keys()].map((shard) => openOutboxReader(config.dataDir, shard))
  const suppressions = openSuppressions(store, clock)
  const bulk = openBulkBook(store)
  const ledger = openLedger({
    dataDir: config.dataDir,
    outboxes: [...outboxes, registry.events],
    followers: [suppressions.take, bulk.take],
    log,
  })
  const keyPlaces = keyPlacesIn(config, clock)
  const firstHand = {
    dns: systemDns(config.dns.servers, config.dns.timeoutMs),
    dnsAt: (address: string) => aliasDnsAt(address, config.dns.timeoutMs),
  }
  const keys = openKeyKeeper({ registry, ...keyPlaces, rotateAfter: config.keys.rotateAfter, ...firstHand, log })
  const tenants = openTenantFinder({ registry, login: config.providers.m365.login, ...config.dns })
  const proofs = openProofKeeper({ registry, graceMs: config.proof.grace, ...firstHand, place: ourPlace(config), log })
  await registry.claimOwnDomain()
  const operations = openOperations({
    registry,
    ledger,
    project: projector(ledger, store),
    desk: deskOf(shards, config, clock),
    shaping: openOfflineShaping({ config, custodies: shards, dns: firstHand.dns, now: () => clock.now() }),
    keys,
    keyPlaces,
    proofs,
    tenants,
    suppressions,
    bulk,
    context: policyContext(config.operator.domain, config.providers, poolNames(config)),
    policyFile: config.policy,
    log,
  })
  return {
    operations,
    close: async () => {
      ledger.close()
      for (const outbox of outboxes) outbox.close()
      for (const custody of shards.values()) await custody.close()
      await store.destroy()
      lock.release()
    },
  }
}

/** Every shard that is there, whichever relay would have it. */
async function openShards(config: Config, log: Log, clock: Clock): Promise<ReadonlyMap<number, Custody>> {
  const { dataDir, workers } = config
  const opened = new Map<number, Custody>()
  for (const shard of shardsOf(dataDir, workers)) opened.set(shard, await openCustody({ dataDir, shard, log, clock }))
  return opened
}

function deskOf(shards: ReadonlyMap<number, Custody>, config: Config, clock: Clock): QueueDesk {
  const desk = (custody: Custody): QueueDesk =>
    openOfflineDesk({ custody, holdFor: config.retention.heldBodies, now: () => clock.now() })
  const [own, ...others] = [...shards].map(([shard, custody]) => [shard, desk(custody)] as const)
  if (own === undefined) throw new Error('there is no shard')
  return joinShardDesks(own[1], new Map(others))
}
