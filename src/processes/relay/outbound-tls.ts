import type { Config } from '../../config/index.ts'
import {
  type OpenProtections,
  type TlsReportOptions,
  openProtections,
  openTlsStore,
  sendTlsReports,
} from '../../path/delivery/index.ts'
import type { Clock } from '../../platform/clock.ts'
import { resolverAddresses } from '../../platform/dns-client.ts'
import type { Dns, Resolver } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import { readCertificates } from '../../platform/trust.ts'
import { isLoopback } from '../../standards/names/loopback.ts'
import { orFailure } from '../start-failure.ts'
import { atMost, repeat } from '../waiting.ts'

const tendEveryMs = 2000
const reportEveryMs = 60_000
/** A stop does not wait for a server of policies. */
const stopWithinMs = 200

type ReportsThrough = Pick<TlsReportOptions, 'custody' | 'admitOwn' | 'rejudge' | 'kick'>

export type OutboundTls = {
  readonly protections: OpenProtections
  /** PEM certificates to trust instead of those of the system; null for these. */
  readonly roots: readonly string[] | null
  /** From now on sends TLS reports as mail of our own through this shard, unless they are switched off. */
  report(through: ReportsThrough): void
  stop(): Promise<void>
}

/** Joins what the configuration says of TLS with other servers to what delivery asks about it. Throws `StartFailure`. */
export async function openOutboundTls(
  config: Config,
  dns: Dns & Resolver,
  clock: Clock,
  log: Log,
): Promise<OutboundTls> {
  const { tlsCa, mtaSts, mtaStsPort } = config.delivery
  const roots = await orFailure('delivery.tlsCa', () => (tlsCa === 'system' ? null : readCertificates(tlsCa)))
  const store = await orFailure('dataDir', () => openTlsStore(config.dataDir))
  const validating = believesResolver(config) ? dns : null
  const protections = openProtections({
    validating,
    dns,
    store,
    mtaStsPort: mtaSts === 'on' ? mtaStsPort : null,
    roots,
    clock,
    log,
  })
  let reporting: { stop(): Promise<void> } | null = null
  const tending = repeat(
    tendEveryMs,
    () => protections.tend(),
    (error) => {
      log.error('looking after MTA-STS policies failed', { error: String(error) })
    },
  )
  return {
    protections,
    roots,
    report: (through) => {
      if (config.delivery.tlsReports === 'off') return
      const { hostname, operator } = config
      const reach = { dns, port: mtaStsPort, roots }
      const options = { ...through, dns, clock, log, store, reach, hostname, operatorDomain: operator.domain }
      reporting = repeat(
        reportEveryMs,
        () => sendTlsReports(options),
        (error) => log.error('sending TLS reports failed', { error: String(error) }),
      )
    },
    stop: async () => {
      await atMost(stopWithinMs, Promise.all([tending.stop(), reporting?.stop()]))
      await protections.counts.write()
      await store.destroy()
    },
  }
}

/** Whether the AD bit of the configured resolvers counts: anybody on the way to a distant one could set it. */
export function believesResolver({ delivery, dns }: Pick<Config, 'delivery' | 'dns'>): boolean {
  const { dane } = delivery
  switch (dane) {
    case 'off':
      return false
    case 'on':
      return true
    case 'auto':
      return resolverAddresses(dns.servers).every(isLoopback)
    default:
      return dane satisfies never
  }
}
