import { FlowReader, failed, isComment, keyedAt, plainScalar } from './plain-flow.ts'

type Line = { readonly indent: number; readonly text: string }

/** Line feeds and characters that are nothing but themselves: no tab, no carriage return, no mark that a reader of YAML may trim or break at. */
const ordinary = /^[\n\x20-\x7e\u{a1}-\u{167f}\u{1681}-\u{17ff}\u{3001}-\u{d7ff}]*$/u

/** Nesting beyond this is left to the full parser. */
const deepest = 32

/**
 * Reads the part of YAML 1.2 that people and programs write into lists of records: block mappings and sequences, flow collections that
 * stay on one line, plain and quoted scalars on one line without escapes, comments. Whatever else there may be, an error included,
 * answers null, and is for the full parser to read; what this one reads, the full one reads alike, thirty times slower. Linear in the
 * length of the text.
 */
export function readPlainYaml(text: string): { readonly value: unknown } | null {
  if (!ordinary.test(text)) return null
  const lines: Line[] = []
  for (const line of text.split('\n')) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    lines.push({ indent: line.length - line.trimStart().length, text: content })
  }
  const first = lines[0]
  if (first === undefined) return null
  const reader = new BlockReader(lines)
  const value = reader.block(first.indent, 0)
  return value === failed || !reader.isAtEnd ? null : { value }
}

class BlockReader {
  readonly #lines: Line[]
  #at = 0

  constructor(lines: Line[]) {
    this.#lines = lines
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length
  }

  block(indent: number, depth: number): unknown {
    if (depth > deepest) return failed
    return this.#lines[this.#at]?.text.startsWith('- ') ? this.#sequence(indent, depth) : this.#mapping(indent, depth)
  }

  #sequence(indent: number, depth: number): unknown {
    const items: unknown[] = []
    for (;;) {
      const line = this.#lines[this.#at]
      if (line?.indent !== indent || !line.text.startsWith('- ')) return this.#endOf(items, indent)
      const rest = line.text.slice(2).trimStart()
      let item: unknown
      if (keyedAt(rest) === null) item = this.#inline(rest, indent)
      else {
        // `- key: value` begins a mapping whose column is that of the key.
        const inner = indent + line.text.length - rest.length
        this.#lines[this.#at] = { indent: inner, text: rest }
        item = this.#mapping(inner, depth + 1)
      }
      if (item === failed) return failed
      items.push(item)
    }
  }

  #mapping(indent: number, depth: number): unknown {
    const entries: Record<string, unknown> = {}
    for (;;) {
      const line = this.#lines[this.#at]
      const keyed = line?.indent === indent ? keyedAt(line.text) : null
      if (line === undefined || keyed === null) {
        // Something else in the column of the keys, or nothing at all where a mapping was to begin.
        const over = Object.keys(entries).length === 0 || (line?.indent === indent && !line.text.startsWith('- '))
        return over ? failed : this.#endOf(entries, indent)
      }
      if (Object.hasOwn(entries, keyed.key)) return failed
      const bare = keyed.rest === '' || isComment(keyed.rest)
      const value = bare ? this.#below(indent, depth) : this.#inline(keyed.rest, indent)
      if (value === failed) return failed
      entries[keyed.key] = value
    }
  }

  /** The block that a key introduces: deeper, or a sequence in the key's own column. */
  #below(indent: number, depth: number): unknown {
    this.#at++
    const next = this.#lines[this.#at]
    if (next === undefined) return failed
    if (next.indent > indent) return this.block(next.indent, depth + 1)
    return next.indent === indent && next.text.startsWith('- ') ? this.#sequence(indent, depth + 1) : failed
  }

  /** A value on the line itself. A deeper line after it would continue a scalar. */
  #inline(text: string, indent: number): unknown {
    const value = /^["'{[]/.test(text) ? new FlowReader(text).whole() : plainScalar(text, false)
    this.#at++
    const next = this.#lines[this.#at]
    return next !== undefined && next.indent > indent ? failed : value
  }

  /** A collection ends where its column does; a line that is deeper than that belongs to nothing. */
  #endOf(collection: object, indent: number): unknown {
    const next = this.#lines[this.#at]
    return next !== undefined && next.indent > indent ? failed : collection
  }
}
