const width = 1024

/**
 * An immutable map that is cheap to change: `with` copies the few branches that a change falls into and shares the rest, so one change
 * among a million entries costs a thousandth of a copy. A look-up costs one hash more than a Map's. Order is not kept.
 */
export class BranchingMap<V> implements ReadonlyMap<string, V> {
  readonly size: number
  readonly #branches: readonly ReadonlyMap<string, V>[]

  private constructor(branches: readonly ReadonlyMap<string, V>[]) {
    this.#branches = branches
    this.size = branches.reduce((sum, branch) => sum + branch.size, 0)
  }

  static of<V>(entries: Iterable<readonly [string, V]> = []): BranchingMap<V> {
    const branches = Array.from({ length: width }, () => new Map<string, V>())
    for (const [key, value] of entries) branches[branchOf(key)]?.set(key, value)
    return new BranchingMap(branches)
  }

  /** A map with these entries changed; `undefined` takes one away. Of two changes to one key the later counts. */
  with(changes: Iterable<readonly [string, V | undefined]>): BranchingMap<V> {
    const copies = new Map<number, Map<string, V>>()
    for (const [key, value] of changes) {
      const at = branchOf(key)
      let copy = copies.get(at)
      if (copy === undefined) {
        copy = new Map(this.#branches[at])
        copies.set(at, copy)
      }
      if (value === undefined) copy.delete(key)
      else copy.set(key, value)
    }
    if (copies.size === 0) return this
    return new BranchingMap(this.#branches.map((branch, at) => copies.get(at) ?? branch))
  }

  get(key: string): V | undefined {
    return this.#branches[branchOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#branches[branchOf(key)]?.has(key) ?? false
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) callback(value, key, this)
  }

  *entries(): MapIterator<[string, V]> {
    for (const branch of this.#branches) yield* branch
  }

  *keys(): MapIterator<string> {
    for (const branch of this.#branches) yield* branch.keys()
  }

  *values(): MapIterator<V> {
    for (const branch of this.#branches) yield* branch.values()
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }
}

/** FNV-1a over the UTF-16 code units. */
function branchOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (width - 1)
}
