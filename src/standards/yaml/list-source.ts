import { scanJsonList } from './json-list.ts'
import { readPlainYaml } from './plain.ts'
import { deepestNesting } from './nesting.ts'
import type { Problem } from './problem.ts'
import { LinePlaces } from './line-places.ts'
import { type SourceText, type YamlPath, YamlSource, maxCharacters, partAt } from './source.ts'

/** A text is read as a whole, and so remembers every place at once, only up to this many characters: it takes a hundred times its size in memory. */
const mostAsWhole = 4 * 1024 * 1024

/** Where an item of the list stands: in YAML from the beginning of its first line. */
type Item = { readonly from: number; readonly to: number }

type Read = {
  readonly value: unknown
  readonly items: readonly Item[]
  readonly problems: readonly Problem[]
  readonly isReadable: boolean
}

/**
 * A document whose root has one key, with a list as long as may be: `customers:` and its items, in YAML or JSON. Each item is read by
 * itself, so the cost is that of the items and not of one tree over all of them; its places are made out only when it has a problem. A
 * text that has another form is read as a whole where it is small enough, and a problem where it is not.
 */
export function openListText(text: string, key: string): SourceText {
  const places = new LinePlaces(text)
  const read = text.length > maxCharacters ? null : (readJson(places, key) ?? readYamlList(places, key))
  if (read !== null) return new ListSource(places, key, read)
  return text.length <= mostAsWhole || text.length > maxCharacters ? new YamlSource(text) : new TooIntricate(text, key)
}

class ListSource implements SourceText {
  readonly problems: readonly Problem[]
  readonly isReadable: boolean
  readonly value: unknown
  readonly #places: LinePlaces
  readonly #key: string
  readonly #items: readonly Item[]
  #lastItem: { readonly at: number; readonly source: SourceText } | null = null
  #whole: YamlSource | null = null

  constructor(places: LinePlaces, key: string, { value, items, problems, isReadable }: Read) {
    this.#places = places
    this.#key = key
    this.#items = items
    this.value = value
    this.problems = problems
    this.isReadable = isReadable
  }

  valueAt(path: YamlPath): unknown {
    return partAt(this.value, path)
  }

  problem(path: YamlPath, message: string): Problem {
    const { source, below } = this.#sourceOf(path)
    return { ...source.problem(below, message), path: path.map(String).join('.') }
  }

  keyProblem(path: YamlPath, key: string, message: string): Problem {
    const { source, below } = this.#sourceOf(path)
    return { ...source.keyProblem(below, key, message), path: [...path, key].map(String).join('.') }
  }

  /** The source that knows the places at and below a path, and the path within it. */
  #sourceOf(path: YamlPath): { readonly source: SourceText; readonly below: YamlPath } {
    const [key, at, ...rest] = path
    const item = key === this.#key && typeof at === 'number' ? this.#items[at] : undefined
    if (item !== undefined && typeof at === 'number') return { source: this.#itemSource(at, item), below: [0, ...rest] }
    if (this.#places.text.length > mostAsWhole) return { source: new TooIntricate('', this.#key), below: path }
    this.#whole ??= new YamlSource(this.#places.text)
    return { source: this.#whole, below: path }
  }

  #itemSource(at: number, item: Item): SourceText {
    if (this.#lastItem?.at !== at) this.#lastItem = { at, source: new ItemSource(this.#places, item) }
    return this.#lastItem.source
  }
}

/** One item, as a list of one, with places as in the text that it was taken from. */
class ItemSource implements SourceText {
  readonly #source: YamlSource
  readonly #offset: { readonly line: number; readonly column: number }

  constructor(places: LinePlaces, { from, to }: Item) {
    const slice = places.text.slice(from, to)
    this.#source = new YamlSource(isYamlItem(slice) ? slice : `[${slice}]`)
    const { line, column } = places.at(from)
    // Before the first character of an item in JSON stands the bracket that makes it a list.
    this.#offset = { line, column: isYamlItem(slice) ? column : column - 1 }
  }

  get isReadable(): boolean {
    return this.#source.isReadable
  }

  get value(): unknown {
    return this.#source.value
  }

  get problems(): readonly Problem[] {
    return this.#source.problems.map((problem) => this.#moved(problem))
  }

  valueAt(path: YamlPath): unknown {
    return this.#source.valueAt(path)
  }

  problem(path: YamlPath, message: string): Problem {
    return this.#moved(this.#source.problem(path, message))
  }

  keyProblem(path: YamlPath, key: string, message: string): Problem {
    return this.#moved(this.#source.keyProblem(path, key, message))
  }

  #moved(problem: Problem): Problem {
    const { line, column } = this.#offset
    return {
      ...problem,
      line: problem.line + line - 1,
      column: problem.line === 1 ? problem.column + column - 1 : problem.column,
    }
  }
}

/** A text that is too long to be read as a whole, and of a form that cannot be read in parts. */
class TooIntricate implements SourceText {
  readonly isReadable = false
  readonly value = null
  readonly problems: readonly Problem[]

  constructor(text: string, key: string) {
    const json = text.trimStart().startsWith('{') ? jsonTrouble(text) : null
    const message = `a text of this size must be JSON, or a plain list under ${key}: without documents, anchors and other keys`
    this.problems = [json ?? { line: 1, column: 1, path: '', message }]
  }

  valueAt(): unknown {
    return undefined
  }

  problem(path: YamlPath, message: string): Problem {
    return { line: 1, column: 1, path: path.map(String).join('.'), message }
  }

  keyProblem(path: YamlPath, key: string, message: string): Problem {
    return this.problem([...path, key], message)
  }
}

function isYamlItem(slice: string): boolean {
  return /^ *- /.test(slice)
}

/** null: no JSON object, or one in which a key stands twice, which JSON readers pass over in silence. */
function readJson(places: LinePlaces, key: string): Read | null {
  const { text } = places
  if (!text.trimStart().startsWith('{')) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const { items, keys, depth } = scanJsonList(text, key)
  if (depth > deepestNesting) return null
  const doubled = keysIn(value) === keys ? [] : items.filter((item, at) => keysIn(itemOf(value, key, at)) !== item.keys)
  const problems = doubled.flatMap((item) => new ItemSource(places, item).problems)
  if (keysIn(value) !== keys && problems.length === 0) return null
  return { value, items, problems, isReadable: true }
}

function itemOf(value: unknown, key: string, at: number): unknown {
  return partAt(value, [key, at])
}

/** How many keys the mappings in a value have. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let sum = 0
  if (Array.isArray(value)) for (const part of value) sum += keysIn(part)
  else for (const key in value) sum += 1 + keysIn((value as Record<string, unknown>)[key])
  return sum
}

/** Where the JSON reader gave up, in its words. */
function jsonTrouble(text: string): Problem | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    const words = (error as Error).message
    const position = Number(/at position (\d+)/.exec(words)?.[1] ?? text.length)
    return { ...new LinePlaces(text).at(position), path: '', message: `is no JSON: ${words}` }
  }
}

/** null: not surely a list of items that stand on lines of their own. */
function readYamlList(places: LinePlaces, key: string): Read | null {
  const { text } = places
  const items = splitYamlList(text, key)
  if (items === null) return null
  const values: unknown[] = []
  const problems: Problem[] = []
  let isReadable = true
  for (const item of items) {
    const plain = readPlainYaml(text.slice(item.from, item.to))
    const source = plain === null ? new ItemSource(places, item) : null
    const value = plain === null ? source?.value : plain.value
    // What an item means may lie outside it (an alias), or it is more than one: then only the whole text tells.
    if (source?.isReadable !== false && (!Array.isArray(value) || value.length !== 1)) return null
    problems.push(...(source?.problems ?? []))
    if (source?.isReadable === false) isReadable = false
    values.push(Array.isArray(value) ? value[0] : null)
  }
  return { value: { [key]: values }, items, problems, isReadable }
}

/**
 * The items of `key: - … - …` by their lines: each begins with a dash in the column of the first, and all that is deeper belongs to it.
 * Null for a text in which anything else stands in that column or before it.
 */
function splitYamlList(text: string, key: string): readonly Item[] | null {
  const lines = /([ ]*)([^\n]*)(?:\n|$)/g
  const starts: number[] = []
  let column = -1
  let opened = false
  while (lines.lastIndex < text.length) {
    const from = lines.lastIndex
    const match = lines.exec(text)
    const [indent, content] = [match?.[1]?.length ?? 0, match?.[2] ?? '']
    if (content === '' || content === '\r' || content.startsWith('#')) continue
    if (!opened) {
      if (indent !== 0 || !/^[A-Za-z]+:(?: *| +#.*)\r?$/.test(content) || !content.startsWith(`${key}:`)) return null
      opened = true
      continue
    }
    if (column === -1) column = indent
    if (indent > column) continue
    if (indent < column || !content.startsWith('- ')) return null
    starts.push(from)
  }
  return starts.length === 0 ? null : starts.map((from, at) => ({ from, to: starts[at + 1] ?? text.length }))
}
