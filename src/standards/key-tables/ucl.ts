import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** A value of libucl's configuration language, as far as `dkim_signing.conf` uses it. A key that stands twice has both values. */
export type UclValue = string | readonly UclValue[] | UclObject
export type UclObject = ReadonlyMap<string, readonly UclValue[]>

const deepest = 16
const longest = 1024 * 1024

export function isUclObject(value: UclValue | undefined): value is UclObject {
  return value instanceof Map
}

/** Reads sections `{ key = value; key "value"; key { ... } key [ ... ] }` with comments. A fault says at which character. */
export function readUcl(text: string): UclObject | SyntaxFault {
  if (text.length > longest) return syntaxFault('the text is too long to be read')
  const reader = new UclReader(text)
  try {
    return reader.whole()
  } catch (error) {
    if (error instanceof UclFault) return syntaxFault(error.message)
    throw error
  }
}

class UclFault extends Error {}

class UclReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): UclObject {
    const object = this.#pairs(0, '')
    if (this.#at < this.#text.length) throw this.#fault('a bracket closes nothing')
    return object
  }

  #pairs(depth: number, end: '' | '}'): UclObject {
    if (depth > deepest) throw this.#fault('sections are too deep in each other')
    const pairs = new Map<string, UclValue[]>()
    for (;;) {
      this.#skip(',;')
      const next = this.#text[this.#at]
      if (next === undefined || next === '}' || next === ']') {
        if (next !== (end === '' ? undefined : end)) throw this.#fault('a section is not closed')
        this.#at++
        return pairs
      }
      const key = this.#word()
      this.#skip('=:')
      const values = pairs.get(key) ?? []
      values.push(this.#value(depth))
      pairs.set(key, values)
    }
  }

  #value(depth: number): UclValue {
    const next = this.#text[this.#at]
    if (next === '{') {
      this.#at++
      return this.#pairs(depth + 1, '}')
    }
    return next === '[' ? this.#list(depth + 1) : this.#word()
  }

  #list(depth: number): readonly UclValue[] {
    if (depth > deepest) throw this.#fault('lists are too deep in each other')
    this.#at++
    const values: UclValue[] = []
    for (;;) {
      this.#skip(',;')
      if (this.#text[this.#at] === undefined) throw this.#fault('a list is not closed')
      if (this.#text[this.#at] === ']') {
        this.#at++
        return values
      }
      values.push(this.#value(depth))
    }
  }

  /** A quoted text, or all up to what cannot stand in a bare word. */
  #word(): string {
    const quote = this.#text[this.#at]
    if (quote === '"' || quote === "'") {
      const match = quote === '"' ? /"((?:[^"\\]|\\.)*)"/sy : /'([^']*)'/sy
      match.lastIndex = this.#at
      const found = match.exec(this.#text)
      if (found === null) throw this.#fault('a quoted text is not closed')
      this.#at = match.lastIndex
      return (found[1] ?? '').replace(/\\(.)/gs, '$1')
    }
    const bare = /[^\s,;={}[\]"':#]+(?::[^\s,;={}[\]"'#]+)*/y
    bare.lastIndex = this.#at
    const found = bare.exec(this.#text)
    if (found === null) throw this.#fault('a word is missing')
    this.#at = bare.lastIndex
    return found[0]
  }

  /** White space, comments, and these signs. */
  #skip(signs: string): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const next = this.#text[this.#at] ?? ''
      if (next === '#') this.#skipTo('\n')
      else if (next === '/' && this.#text[this.#at + 1] === '*') this.#skipTo('*/')
      else if (!/\s/.test(next) && !signs.includes(next)) return
    }
  }

  #skipTo(sign: string): void {
    const found = this.#text.indexOf(sign, this.#at)
    this.#at = found === -1 ? this.#text.length : found + sign.length - 1
  }

  #fault(reason: string): UclFault {
    return new UclFault(`${reason} (at character ${this.#at})`)
  }
}
