import { type IpAddress, bitsOf, blockKey } from '../../../standards/names/ip.ts'
import type { Source } from '../policy.ts'
import { PackedMap } from './packed-map.ts'

type NetworkSource = Extract<Source, { kind: 'network' }>

/** Who a source is, without what it is. */
export type SourceName = { readonly customer: string; readonly id: string }

/** A source that holds a block from one moment to another (milliseconds since the epoch, the second exclusive), or with nulls for ever. */
type Holder = SourceName & { readonly from: number | null; readonly until: number | null }

type Block = { readonly address: IpAddress; readonly prefix: number; readonly holder: Holder }

/** Which source an address is, at a moment: one probe for each prefix length in use. */
export class NetworkSources {
  readonly #blocks: PackedMap<readonly Holder[]>
  /** How many blocks have each length, by family and length. */
  readonly #lengths: ReadonlyMap<number, number>
  readonly #probes: { readonly 32: readonly number[]; readonly 128: readonly number[] }

  private constructor(blocks: PackedMap<readonly Holder[]>, lengths: ReadonlyMap<number, number>) {
    this.#blocks = blocks
    this.#lengths = lengths
    const longestFirst = (bits: 32 | 128) =>
      [...lengths.keys()]
        .filter((length) => familyOf(length) === bits)
        .map((length) => length % family)
        .toSorted((a, b) => b - a)
    this.#probes = { 32: longestFirst(32), 128: longestFirst(128) }
  }

  static readonly none = new NetworkSources(PackedMap.of(readHolders), new Map())

  /** The table without the blocks of `gone` and with those of `come`. */
  with(gone: readonly NetworkSource[], come: readonly NetworkSource[]): NetworkSources {
    if (gone.length === 0 && come.length === 0) return this
    const changed = new Map<string, readonly Holder[]>()
    const lengths = new Map(this.#lengths)
    const holders = (key: string) => changed.get(key) ?? this.#blocks.get(key) ?? []
    for (const block of gone.flatMap(blocksOf)) {
      const key = blockKey(block.address, block.prefix)
      changed.set(
        key,
        holders(key).filter((one) => !isSame(one, block.holder)),
      )
      count(lengths, block, -1)
    }
    for (const block of come.flatMap(blocksOf)) {
      const key = blockKey(block.address, block.prefix)
      changed.set(key, [...holders(key), block.holder])
      count(lengths, block, 1)
    }
    const entries = [...changed].map(
      ([key, held]) => [key, held.length === 0 ? undefined : JSON.stringify(held)] as const,
    )
    return new NetworkSources(this.#blocks.with(entries), lengths)
  }

  lookup(address: IpAddress, now: number): SourceName | null {
    for (const prefix of this.#probes[bitsOf(address)]) {
      const held = this.#blocks.get(blockKey(address, prefix))
      const holder = held?.find(({ from, until }) => (from === null || from <= now) && (until === null || now < until))
      if (holder !== undefined) return holder
    }
    return null
  }
}

function blocksOf({ customer, id, networks, leases }: NetworkSource): readonly Block[] {
  return [
    ...networks.map(({ address, prefix }) => ({
      address,
      prefix,
      holder: { customer, id, from: null, until: null },
    })),
    ...leases.map(({ address, from, until }) => ({
      address,
      prefix: bitsOf(address),
      holder: { customer, id, from, until },
    })),
  ]
}

function readHolders(text: string): readonly Holder[] {
  return JSON.parse(text) as readonly Holder[]
}

function isSame(one: SourceName, other: SourceName): boolean {
  return one.id === other.id && one.customer === other.customer
}

const family = 1000

/** Family and length in one number. */
function lengthOf(block: Block): number {
  return (bitsOf(block.address) === 32 ? 4 : 6) * family + block.prefix
}

function familyOf(length: number): 32 | 128 {
  return length < 5 * family ? 32 : 128
}

function count(lengths: Map<number, number>, block: Block, change: 1 | -1): void {
  const length = lengthOf(block)
  const blocks = (lengths.get(length) ?? 0) + change
  if (blocks === 0) lengths.delete(length)
  else lengths.set(length, blocks)
}
