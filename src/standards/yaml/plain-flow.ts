/** What only the full parser can judge. */
export const failed: unique symbol = Symbol('not plain')

const key = /^([A-Za-z][A-Za-z0-9_-]*):(?: +|$)/

/** Words that YAML 1.2 (§10.3.2) gives a meaning, in every writing of them. */
const word = /^(?:null|true|false)$/i

/** A first character that begins nothing but a scalar. */
const firstOfScalar = /^[A-Za-z0-9_/\u{a1}-\u{d7ff}]/u
const wholeNumber = /^(?:0|[1-9][0-9]{0,14})$/
/** Other forms of a number, and what resembles one. */
const numberLike = /^(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|0[xob][0-9A-Za-z_]*)$/

const deepest = 16

/** `key: rest`, where the key is a simple word that means only itself. */
export function keyedAt(text: string): { readonly key: string; readonly rest: string } | null {
  const match = key.exec(text)
  const name = match?.[1]
  if (match === null || name === undefined || word.test(name)) return null
  return { key: name, rest: text.slice(match[0].length) }
}

/** What follows a value and a blank. */
export function isComment(rest: string): boolean {
  return rest.startsWith('#')
}

/** An unquoted scalar. In flow its end is already found; in block a comment may follow. */
export function plainScalar(text: string, inFlow: boolean): unknown {
  const comment = text.indexOf(' #')
  if (comment !== -1 && inFlow) return failed
  const scalar = (comment === -1 ? text : text.slice(0, comment)).trimEnd()
  if (!firstOfScalar.test(scalar) || scalar.includes(': ') || scalar.endsWith(':')) return failed
  if (scalar === 'true') return true
  if (scalar === 'false') return false
  if (wholeNumber.test(scalar)) return Number(scalar)
  return word.test(scalar) || numberLike.test(scalar) ? failed : scalar
}

/** Reads a quoted scalar or a flow collection that ends on its line. */
export class FlowReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The value, when nothing but a comment comes after it. */
  whole(): unknown {
    const value = this.#value(0)
    const rest = this.#text.slice(this.#at)
    return rest === '' || /^ +#/.test(rest) ? value : failed
  }

  #value(depth: number): unknown {
    if (depth > deepest) return failed
    switch (this.#text[this.#at]) {
      case '{':
        return this.#mapping(depth)
      case '[':
        return this.#sequence(depth)
      case '"':
      case "'":
        return this.#quoted()
      default:
        return this.#plain()
    }
  }

  #sequence(depth: number): unknown {
    const items: unknown[] = []
    if (this.#opensEmpty(']')) return items
    for (;;) {
      const item = this.#value(depth + 1)
      if (item === failed) return failed
      items.push(item)
      const next = this.#separator(']')
      if (next !== 'more') return next === 'end' ? items : failed
    }
  }

  #mapping(depth: number): unknown {
    const entries: Record<string, unknown> = {}
    if (this.#opensEmpty('}')) return entries
    for (;;) {
      const name = this.#key()
      if (name === null || Object.hasOwn(entries, name)) return failed
      const value = this.#value(depth + 1)
      if (value === failed) return failed
      entries[name] = value
      const next = this.#separator('}')
      if (next !== 'more') return next === 'end' ? entries : failed
    }
  }

  #key(): string | null {
    flowKey.lastIndex = this.#at
    const match = flowKey.exec(this.#text)
    const name = match?.[1]
    if (match === null || name === undefined || word.test(name)) return null
    this.#at += match[0].length
    return name
  }

  /** No escapes, and no quote within: those are rare, and their rules are many. */
  #quoted(): unknown {
    const quote = this.#text[this.#at] ?? ''
    const end = this.#text.indexOf(quote, this.#at + 1)
    const inner = this.#text.slice(this.#at + 1, end)
    if (end === -1 || this.#text[end + 1] === quote || (quote === '"' && inner.includes('\\'))) return failed
    this.#at = end + 1
    return inner
  }

  #plain(): unknown {
    flowScalar.lastIndex = this.#at
    const text = flowScalar.exec(this.#text)?.[0] ?? ''
    this.#at += text.length
    return plainScalar(text, true)
  }

  #opensEmpty(close: string): boolean {
    this.#at++
    this.#skipBlanks()
    if (this.#text[this.#at] !== close) return false
    this.#at++
    return true
  }

  #separator(close: string): 'more' | 'end' | 'neither' {
    this.#skipBlanks()
    const mark = this.#text[this.#at++]
    if (mark === close) return 'end'
    if (mark !== ',') return 'neither'
    this.#skipBlanks()
    return 'more'
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }
}

const flowKey = /([A-Za-z][A-Za-z0-9_-]*): +/y
const flowScalar = /[^,[\]{}]*/y
