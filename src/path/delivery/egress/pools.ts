/** One of our addresses to connect from. */
export type EgressAddress = {
  readonly address: string
  /** The name that it says in EHLO; null: the relay's own. */
  readonly ehlo: string | null
  /** Its share beside the others of its pool; greater than 0. */
  readonly weight: number
  readonly warmUp: WarmUp | null
}

/** A plan for an address that receivers do not know yet: so many messages to each site on the first day, the second, and so on. */
export type WarmUp = {
  /** Milliseconds since the epoch: the start of the first day, which is one of UTC. */
  readonly from: number
  /** Messages to one site on each day; after the last there is no bound. */
  readonly plan: readonly number[]
}

export type EgressPool = { readonly name: string; readonly addresses: readonly EgressAddress[] }

/** The pool of whoever is given none by the policy. */
export const defaultPool = 'default'

/** The pools by their names. `sourceAddresses` are those of the default pool, each of the same weight. */
export function egressPools(
  pools: readonly EgressPool[],
  sourceAddresses: readonly string[],
): ReadonlyMap<string, EgressPool> {
  const named = new Map(pools.map((pool) => [pool.name, pool]))
  if (sourceAddresses.length === 0 || named.has(defaultPool)) return named
  const addresses = sourceAddresses.map((address) => ({ address, ehlo: null, weight: 1, warmUp: null }))
  return named.set(defaultPool, { name: defaultPool, addresses })
}
