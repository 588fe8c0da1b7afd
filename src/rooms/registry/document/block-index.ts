import { type Network, bitsOf, blockKey } from '../../../standards/names/ip.ts'

type Entry<T> = { readonly network: Network; readonly value: T }

/** Blocks of a policy or a list, found by overlap in one probe for each prefix length in use. */
export class BlockIndex<T> {
  readonly #byBlock = new Map<string, Entry<T>[]>()
  readonly #prefixes: { readonly 32: number[]; readonly 128: number[] } = { 32: [], 128: [] }
  readonly #entries: readonly Entry<T>[]
  /** For the narrower blocks inside a block: by the block's own key, made when first asked for that length. */
  readonly #within = new Map<string, Map<string, Entry<T>[]>>()

  constructor(entries: readonly Entry<T>[]) {
    this.#entries = entries
    for (const entry of entries) {
      const { address, prefix } = entry.network
      const prefixes = this.#prefixes[bitsOf(address)]
      if (!prefixes.includes(prefix)) prefixes.push(prefix)
      append(this.#byBlock, blockKey(address, prefix), entry)
    }
    this.#prefixes[32].sort((a, b) => a - b)
    this.#prefixes[128].sort((a, b) => a - b)
  }

  /** Blocks that hold all of this one, widest first, itself included. */
  containing(network: Network): readonly Entry<T>[] {
    return this.#prefixes[bitsOf(network.address)]
      .filter((prefix) => prefix <= network.prefix)
      .flatMap((prefix) => this.#byBlock.get(blockKey(network.address, prefix)) ?? [])
  }

  /** Blocks that share an address with this one. */
  overlapping(network: Network): readonly Entry<T>[] {
    const inside = this.#narrowerThan(network).get(blockKey(network.address, network.prefix)) ?? []
    return [...this.containing(network), ...inside]
  }

  #narrowerThan(network: Network): Map<string, Entry<T>[]> {
    const bits = bitsOf(network.address)
    const key = `${bits}/${network.prefix}`
    const known = this.#within.get(key)
    if (known !== undefined) return known
    const made = new Map<string, Entry<T>[]>()
    for (const entry of this.#entries) {
      const { address, prefix } = entry.network
      if (bitsOf(address) === bits && prefix > network.prefix) append(made, blockKey(address, network.prefix), entry)
    }
    this.#within.set(key, made)
    return made
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
