import type { Config } from '../../config/index.ts'
import { checkReverseNames, egressPools } from '../../path/delivery/index.ts'
import type { Dns } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'

/** Warns of addresses of ours whose name does not lead back to them: what `anechoic doctor` shows. */
export async function warnOfNames({ delivery, hostname }: Config, dns: Dns, log: Log): Promise<void> {
  const pools = egressPools(delivery.pools, delivery.sourceAddresses)
  for (const { address, pool, wrong } of await checkReverseNames(pools.values(), hostname, dns)) {
    if (wrong !== null) log.warn('an address that mail leaves from has no proper name', { address, pool, wrong })
  }
}
