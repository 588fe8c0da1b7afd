import type { Config } from '../config/index.ts'
import type { Operations } from '../doors/operations.ts'
import { openCustody, openOutboxReader } from '../path/custody/index.ts'
import { systemClock } from '../platform/clock.ts'
import { aliasDnsAt } from '../platform/dns-alias.ts'
import { systemDns } from '../platform/dns-system.ts'
import type { HeldLock } from '../platform/lock.ts'
import { stderrLog } from '../platform/pino-log.ts'
import { openStore } from '../platform/sql.ts'
import { openLedger } from '../rooms/ledger/index.ts'
import { migrateRegistry, openRegistry, policyContext } from '../rooms/registry/index.ts'
import { ensureWrappingKey } from '../signer/index.ts'
import { keyPlacesIn } from './control/key-operations.ts'
import { openKeyKeeper } from './control/keys.ts'
import { openOperations } from './control/operations.ts'
import { openProofKeeper } from './control/proofs.ts'
import { openTenantFinder } from './control/tenants.ts'
import { migrateProgress, projector } from './ledger-progress.ts'
import { openOfflineDesk } from './queue-desk.ts'
import { orFailure } from './start-failure.ts'

const shard = 0

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
  await orFailure('keys.wrapping', () => ensureWrappingKey(config.keys.wrapping))
  const registry = openRegistry(store, config.operator.domain, clock)
  const custody = await openCustody({ dataDir: config.dataDir, shard, log, clock })
  const outbox = openOutboxReader(config.dataDir, shard)
  const ledger = openLedger({ dataDir: config.dataDir, outboxes: [outbox, registry.events], log })
  const keyPlaces = keyPlacesIn(config, clock)
  const firstHand = {
    dns: systemDns(config.dns.servers, config.dns.timeoutMs),
    dnsAt: (address: string) => aliasDnsAt(address, config.dns.timeoutMs),
  }
  const keys = openKeyKeeper({ registry, ...keyPlaces, rotateAfter: config.keys.rotateAfter, ...firstHand, log })
  const tenants = openTenantFinder({ registry, login: config.providers.m365.login, ...config.dns })
  const proofs = openProofKeeper({ registry, graceMs: config.proof.grace, ...firstHand, log })
  await registry.claimOwnDomain()
  const operations = openOperations({
    registry,
    ledger,
    project: projector(ledger, store),
    desk: openOfflineDesk(custody, config.retention.heldBodies, () => clock.now()),
    keys,
    keyPlaces,
    proofs,
    tenants,
    context: policyContext(config.operator.domain, config.providers),
    policyFile: config.policy,
    log,
  })
  return {
    operations,
    close: async () => {
      ledger.close()
      outbox.close()
      await custody.close()
      await store.destroy()
      lock.release()
    },
  }
}
