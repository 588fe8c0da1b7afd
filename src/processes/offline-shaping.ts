import type { Config } from '../config/index.ts'
import type { Custody } from '../path/custody/index.ts'
import { type ShapingNotice, explainAtRest } from '../path/delivery/index.ts'
import type { Dns } from '../platform/dns.ts'
import type { ShapingDesk } from './shaping-desk.ts'
import { readNotices, shardsWithNotices, writeNotices } from './shaping-files.ts'
import { readShaping } from './shaping-profiles.ts'

/** The desk where no relay runs: what is kept over a restart, and the profiles that the next start takes up. */
export function openOfflineShaping(options: {
  readonly config: Config
  readonly custodies: ReadonlyMap<number, Custody>
  readonly dns: Dns
  readonly now: () => number
}): ShapingDesk {
  const { config, custodies, dns, now } = options
  const { dataDir, delivery, hostname } = config
  const inForceOf = (shard: number): readonly ShapingNotice[] =>
    readNotices(dataDir, shard).filter((one) => one.until > now())
  const list = (): readonly ShapingNotice[] => {
    const all = shardsWithNotices(dataDir).flatMap(inForceOf)
    return [...new Map(all.map((one) => [one.id, one])).values()].toSorted((a, b) => a.from - b.from)
  }
  return {
    list: () => Promise.resolve(list()),
    clear: async (id, by) => {
      const cleared = list().find((one) => one.id === id)
      if (cleared === undefined) return false
      for (const shard of shardsWithNotices(dataDir)) {
        writeNotices(
          dataDir,
          shard,
          inForceOf(shard).filter((one) => one.id !== id),
        )
      }
      const { site, scope, because } = cleared
      const { customer, source } = { customer: null, source: null, ...scope }
      const detail = { action: id, site, scope, class: because.class, reply: because.reply, how: 'cleared', by }
      const [custody] = custodies.values()
      await custody?.record([{ kind: 'site-resumed', at: now(), id: `shaping/${id}`, customer, source, detail }])
      return true
    },
    explain: (domain) => {
      const { profiles } = readShaping(delivery.shaping)
      return explainAtRest(domain, { profiles, notices: list(), settings: delivery, dns, hostname, now })
    },
  }
}
