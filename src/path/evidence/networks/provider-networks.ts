import type { Dns } from '../../../platform/dns.ts'
import { type IpAddress, type Network, NetworkTable, formatNetwork } from '../../../standards/names/ip.ts'
import {
  type SharedRange,
  googleOutbound,
  m365Outbound,
  m365RelayPool,
  sharedRanges,
} from '../../../standards/providers/index.ts'
import { readPublishedNetworks } from './published-networks.ts'

/** What an address proves by itself. */
export type AddressProof =
  /** Exchange Online's own outbound list, or its relay pool. */
  | { readonly kind: 'm365'; readonly network: string; readonly relayPool: boolean }
  | { readonly kind: 'google'; readonly network: string }
  /** In a shared range that proves no source: nobody can be there alone. `providersOwn`: only that provider's systems are. */
  | { readonly kind: 'shared'; readonly range: SharedRange; readonly providersOwn: boolean }
  | { readonly kind: 'nobody' }

export type NetworkStatus = {
  readonly source: string
  /** The day of the built-in list, or the time of the last refresh that was taken. */
  readonly asOf: number
  readonly networks: readonly Network[]
  /** A list that nobody has confirmed for a month: time to look why. */
  readonly stale: boolean
}

export type Refresh =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly added: readonly string[]; readonly removed: readonly string[] }
  /** The old list stays in force. */
  | { readonly kind: 'kept'; readonly because: string }

const staleAfter = 30 * 86_400_000

/** The providers' address lists in force, with the shared ranges around them. */
export class ProviderNetworks {
  readonly #google: readonly Network[]
  /** Set by configuration: then that is the authority, and nothing refreshes it. */
  readonly isConfigured: boolean
  #m365: { readonly source: string; readonly asOf: number; readonly networks: readonly Network[] }
  #proving: NetworkTable<AddressProof>
  readonly #shared: NetworkTable<AddressProof>

  /** null: the built-in list. */
  constructor(configured: { readonly m365: readonly Network[] | null; readonly google: readonly Network[] | null }) {
    this.isConfigured = configured.m365 !== null
    this.#google = configured.google ?? googleOutbound.networks
    this.#m365 = {
      source: configured.m365 === null ? m365Outbound.source : 'configuration',
      asOf: Date.parse(m365Outbound.date),
      networks: configured.m365 ?? m365Outbound.networks,
    }
    this.#proving = this.#provingTable()
    this.#shared = new NetworkTable(sharedRanges.toReversed().flatMap(sharedEntries))
  }

  lookup(address: IpAddress): AddressProof {
    return this.#proving.lookup(address) ?? this.#shared.lookup(address) ?? { kind: 'nobody' }
  }

  status(now: number): NetworkStatus {
    return { ...this.#m365, stale: !this.isConfigured && now - this.#m365.asOf > staleAfter }
  }

  /** Reads Exchange Online's published list and takes it if it is plausible beside the one in force. */
  async refresh(dns: Dns, now: number): Promise<Refresh> {
    if (this.isConfigured) return { kind: 'kept', because: 'the configuration names the networks' }
    const published = await readPublishedNetworks(dns, this.#m365.networks)
    if ('because' in published) return { kind: 'kept', because: published.because }
    const before = new Set(this.#m365.networks.map(formatNetwork))
    const after = new Set(published.networks.map(formatNetwork))
    this.#m365 = { source: published.source, asOf: now, networks: published.networks }
    this.#proving = this.#provingTable()
    const added = [...after].filter((one) => !before.has(one))
    const removed = [...before].filter((one) => !after.has(one))
    return added.length + removed.length === 0 ? { kind: 'unchanged' } : { kind: 'changed', added, removed }
  }

  #provingTable(): NetworkTable<AddressProof> {
    const google = this.#google.map(
      (network) => [network, { kind: 'google', network: formatNetwork(network) }] as const,
    )
    return new NetworkTable<AddressProof>([
      ...google,
      ...this.#m365.networks.map((network) => m365Entry(network, false)),
      // The pool is Microsoft's whatever list is in force, and always marked, so that its mail is never taken for a tenant's own.
      ...m365RelayPool.networks.map((network) => m365Entry(network, true)),
    ])
  }
}

function m365Entry(network: Network, relayPool: boolean): readonly [Network, AddressProof] {
  return [network, { kind: 'm365', network: formatNetwork(network), relayPool }]
}

function sharedEntries(range: SharedRange): readonly (readonly [Network, AddressProof])[] {
  const providersOwn = range.current && (range.provider === 'm365' || range.provider === 'google')
  return range.networks.map((network) => [network, { kind: 'shared', range, providersOwn }])
}
