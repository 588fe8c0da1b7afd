import { BranchingMap } from './branching-map.ts'
import { Opening } from './opening.ts'
import { Pack } from './pack.ts'

export type PackedFilling<V> = { readonly set: (key: string, text: string) => void; readonly done: () => PackedMap<V> }

/** This many values of one map stay open, at most twice as many. */
const openAtOnce = 2_048
/** Changes that lie beside the pack before all is packed anew: so many, or this part of what there is. */
const fewChanges = 1_024
const manyChanges = 1 / 16

/**
 * An immutable map whose values are kept as text in a pack and read when they are asked for. The maps that `with` makes share the pack, with
 * what changed beside it. Order is not kept.
 */
export class PackedMap<V> {
  readonly size: number
  readonly #read: (text: string) => V
  readonly #pack: Pack
  /** null: the entry is gone. */
  readonly #changes: BranchingMap<string | null>
  /** By the place in the pack, or by the text of a change. */
  readonly #opened: Opening<number | string, V>

  private constructor(
    read: (text: string) => V,
    size: number,
    pack: Pack,
    changes: BranchingMap<string | null>,
    opened: Opening<number | string, V>,
  ) {
    this.#read = read
    this.size = size
    this.#pack = pack
    this.#changes = changes
    this.#opened = opened
  }

  /** @param read a value of its text; what it answers must never be changed. */
  static of<V>(read: (text: string) => V, pack: Pack = Pack.empty): PackedMap<V> {
    return new PackedMap(read, pack.size, pack, BranchingMap.of(), new Opening(openAtOnce))
  }

  static filling<V>(read: (text: string) => V): PackedFilling<V> {
    const { set, done } = Pack.filling()
    return { set, done: () => PackedMap.of(read, done()) }
  }

  get(key: string): V | undefined {
    const change = this.#changes.get(key)
    if (change !== undefined) return change === null ? undefined : this.#opened.open(change, () => this.#read(change))
    const place = this.#pack.find(key)
    return place < 0 ? undefined : this.#opened.open(place, () => this.#read(this.#pack.textAt(place)))
  }

  has(key: string): boolean {
    const change = this.#changes.get(key)
    return change === undefined ? this.#pack.find(key) >= 0 : change !== null
  }

  /** A map with these texts set; `undefined` takes an entry away. Of two changes to one key the later counts. */
  with(entries: Iterable<readonly [string, string | undefined]>): PackedMap<V> {
    const wanted = new Map(entries)
    if (wanted.size === 0) return this
    let { size } = this
    for (const [key, text] of wanted) size += Number(text !== undefined) - Number(this.has(key))
    const changes = this.#changes.with([...wanted].map(([key, text]) => [key, text ?? null] as const))
    const changed = new PackedMap(this.#read, size, this.#pack, changes, this.#opened)
    if (changes.size <= Math.max(fewChanges, this.#pack.size * manyChanges)) return changed
    return PackedMap.of(this.#read, Pack.of(changed.texts()))
  }

  *keys(): Generator<string> {
    for (const [key] of this.texts()) yield key
  }

  *texts(): Generator<readonly [string, string]> {
    for (const place of this.#pack.places()) {
      const key = this.#pack.keyAt(place)
      if (!this.#changes.has(key)) yield [key, this.#pack.textAt(place)]
    }
    for (const [key, text] of this.#changes) if (text !== null) yield [key, text]
  }
}
