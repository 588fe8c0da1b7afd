/**
 * Opens texts, and keeps what was opened of late. Two generations: what is asked for again moves to the younger, and when that is full
 * the older is forgotten. A text says always the same, so what is kept is never out of date.
 */
export class Opening<T> {
  readonly #open: (text: string) => T
  readonly #size: number
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  /** @param size of a generation. */
  constructor(open: (text: string) => T, size: number) {
    this.#open = open
    this.#size = size
  }

  open(text: string): T {
    const young = this.#young.get(text)
    if (young !== undefined) return young
    const opened = this.#old.get(text) ?? this.#open(text)
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, opened)
    return opened
  }
}
