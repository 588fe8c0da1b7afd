import type { Config } from '../config/index.ts'

/** The pools of addresses that a policy may name: `default` is there even where the system chooses the address. */
export function poolNames({ delivery }: Pick<Config, 'delivery'>): readonly string[] {
  return ['default', ...delivery.pools.map((pool) => pool.name)]
}
