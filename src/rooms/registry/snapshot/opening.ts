/**
 * Keeps what was opened of late. Two generations: what is asked for again moves to the younger, and when that is full the older is
 * forgotten. Under one key there is always the same, so what is kept is never out of date.
 */
export class Opening<K, V> {
  readonly #size: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** @param size of a generation. */
  constructor(size: number) {
    this.#size = size
  }

  open(key: K, read: () => V): V {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const opened = this.#old.get(key) ?? read()
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, opened)
    return opened
  }
}
