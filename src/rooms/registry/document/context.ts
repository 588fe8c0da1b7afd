import type { Domain } from '../../../standards/names/domain.ts'
import type { Network } from '../../../standards/names/ip.ts'
import { type SharedRange, sharedRanges } from '../../../standards/providers/index.ts'

/** What a policy is checked against besides itself. */
export type PolicyContext = {
  /** The relay's own domain: the built-in customer's, and nobody else's. */
  readonly operator: Domain
  /** The most telling first: where several overlap a block, the first is named. */
  readonly ranges: readonly NamedRange[]
  /** Who has proved which domain by DNS, by domain. Without it nobody is known to have. */
  readonly proved?: ReadonlyMap<string, string>
  /** The pools of addresses that the configuration names. Without it any name will do. */
  readonly pools?: ReadonlySet<string>
}

/** Addresses that many parties share, with the words that name the list. */
export type NamedRange = { readonly name: string; readonly networks: readonly Network[] }

type ProviderSettings = { readonly networks: readonly Network[] | null }

/** The context of a running relay: the built-in lists, dated and historical, and the lists of the configuration. */
export function policyContext(
  operator: Domain,
  providers: { readonly m365: ProviderSettings; readonly google: ProviderSettings },
  pools?: Iterable<string>,
): PolicyContext {
  const configured = (['m365', 'google'] as const).map((name) => ({
    name: `providers.${name}.networks of the configuration`,
    networks: providers[name].networks ?? [],
  }))
  const known = pools === undefined ? {} : { pools: new Set(pools) }
  return { operator, ranges: [...sharedRanges.map(named), ...configured], ...known }
}

function named(range: SharedRange): NamedRange {
  return { name: `${range.name} (${range.source}, seen ${range.date})`, networks: range.networks }
}
