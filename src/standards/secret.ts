import { inspect } from 'node:util'

/**
 * A value that must not reach a log, an error message or a report: every way of printing it yields `[secret]`.
 * Only `reveal()` gives the value, so that a reader can find each use by name.
 */
export class Secret<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
