import {
  type Document,
  LineCounter,
  type Node,
  type YAMLError,
  Scalar,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml'
import { deepestNesting, tooDeepAt } from './nesting.ts'
import type { Problem } from './problem.ts'

export type YamlPath = readonly PropertyKey[]

/** A text that people write, read, with the places of what it says. */
export interface SourceText {
  readonly problems: readonly Problem[]
  /** False when the text cannot be read: `value` is then worth nothing. */
  readonly isReadable: boolean
  /** Plain data; null when there is nothing in the text. */
  readonly value: unknown
  /** What stands at `path`: undefined when nothing does. */
  valueAt(path: YamlPath): unknown
  /** The problem `message` about the value at `path`; where that is absent, it points at the nearest thing around it. */
  problem(path: YamlPath, message: string): Problem
  /** The same, pointing at the key `key` of the mapping at `path`. */
  keyProblem(path: YamlPath, key: string, message: string): Problem
}

/** A file is refused above this many characters: nobody writes one by hand, and parsing must stay bounded. */
export const maxCharacters = 256 * 1024 * 1024

/**
 * A YAML 1.2 document (of which JSON is a part) that remembers where each value stands. Reading never throws and warns nobody: what is
 * wrong with the text itself is in `problems`, and `value` is then what could be read.
 */
export class YamlSource implements SourceText {
  readonly problems: readonly Problem[]
  readonly isReadable: boolean
  readonly value: unknown
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  /** With `environment`, `${NAME}` in a scalar is replaced by its value, and `$${` by `${`. A name that is not in it is a problem. */
  constructor(text: string, environment: Readonly<Record<string, string | undefined>> | null = null) {
    const problems: Problem[] = []
    const tooLong = text.length > maxCharacters
    const shielded = environment === null ? text : shield(text)
    const options = { lineCounter: this.#lines, prettyErrors: false, logLevel: 'error' } as const
    const deep = tooLong ? null : tooDeepAt(shielded)
    this.#document = parseDocument(tooLong || deep !== null ? '' : shielded, options)
    if (tooLong) problems.push({ line: 1, column: 1, path: '', message: 'the file is too long' })
    if (deep !== null) problems.push({ ...deep, path: '', message: `is nested deeper than ${deepestNesting} levels` })
    const troubles = withoutEchoes([...this.#document.errors, ...this.#document.warnings])
    this.isReadable = deep === null && troubles.every((trouble) => trouble.code === 'DUPLICATE_KEY')
    for (const trouble of troubles) {
      problems.push({ ...this.#place(trouble.pos[0]), path: '', message: firstLine(trouble.message) })
    }
    if (environment !== null && this.isReadable) problems.push(...this.#replaceVariables(environment))
    this.value = this.#toPlain(problems)
    this.problems = problems
  }

  valueAt(path: YamlPath): unknown {
    return partAt(this.value, path)
  }

  problem(path: YamlPath, message: string): Problem {
    return { ...this.#place(this.#offsetOf(path)), path: path.map(String).join('.'), message }
  }

  keyProblem(path: YamlPath, key: string, message: string): Problem {
    const map = this.#nodeAt(path)
    const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key) : undefined
    const offset = isNode(pair?.key) ? pair.key.range?.[0] : undefined
    return { ...this.#place(offset ?? this.#offsetOf(path)), path: [...path, key].map(String).join('.'), message }
  }

  #place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  #toPlain(problems: Problem[]): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 1000 }) as unknown
    } catch {
      problems.push({
        line: 1,
        column: 1,
        path: '',
        message: 'an alias (*name) has no anchor, or aliases are nested too deep',
      })
      return null
    }
  }

  #offsetOf(path: YamlPath): number {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#nodeAt(path.slice(0, length))
      if (node?.range) return node.range[0]
    }
    return 0
  }

  #nodeAt(path: YamlPath): Node | null {
    let node: unknown = this.#document.contents
    for (const key of path) {
      if (isAlias(node)) node = node.resolve(this.#document)
      if (isMap(node))
        node = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))?.value
      else if (isSeq(node)) node = node.items[Number(key)]
      else return null
    }
    return isNode(node) ? node : null
  }

  #replaceVariables(environment: Readonly<Record<string, string | undefined>>): readonly Problem[] {
    const problems: Problem[] = []
    visit(this.#document, {
      Scalar: (key, node, ancestors) => {
        if (typeof node.value !== 'string') return
        if (key === 'key') {
          node.value = unshield(node.value)
          return
        }
        const { text, troubles } = replaceVariables(node.value, environment)
        for (const message of troubles) {
          problems.push({ ...this.#place(node.range?.[0] ?? 0), path: pathOf(key, ancestors), message })
        }
        if (text !== node.value) node.value = node.type === Scalar.PLAIN ? plainValue(text) : text
      },
    })
    return problems
  }
}

/** What stands at a path within plain data: undefined when nothing does. */
export function partAt(whole: unknown, path: YamlPath): unknown {
  let value = whole
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/**
 * `${NAME}` holds the flow indicators `{` and `}`, so YAML would not see `{ port: ${PORT} }` as people mean it. Before parsing they are
 * exchanged for private-use characters, one for one, so that every position stays true; after parsing they are read in the scalars.
 */
const shields = { open: '\u{e000}\u{e001}', close: '\u{e002}', literal: '\u{e003}\u{e004}\u{e005}' }
const shieldedVariable = new RegExp(`${shields.literal}|${shields.open}([A-Za-z0-9_]*)${shields.close}`, 'g')

function shield(text: string): string {
  return text.replace(/\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string | undefined) =>
    name === undefined ? shields.literal : `${shields.open}${name}${shields.close}`,
  )
}

function unshield(text: string): string {
  return text.replace(shieldedVariable, (_, name: string | undefined) => (name === undefined ? '$${' : `\${${name}}`))
}

function replaceVariables(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly text: string; readonly troubles: readonly string[] } {
  const troubles: string[] = []
  if (text.includes('${')) {
    troubles.push(
      '"${" must be followed by the name of an environment variable and "}" (write "$${" for the characters themselves)',
    )
  }
  const replaced = text.replace(shieldedVariable, (_, name: string | undefined) => {
    if (name === undefined) return '${'
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (value === undefined) troubles.push(`the environment variable ${name} is not set`)
    return value ?? ''
  })
  return { text: replaced, troubles }
}

/** An unquoted scalar has the type that it would have if the value had been written there (YAML 1.2 core schema, without octal and hexadecimal). */
function plainValue(text: string): string | number | boolean {
  if (/^-?(?:0|[1-9][0-9]{0,14})$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return text
}

function pathOf(key: unknown, ancestors: readonly unknown[]): string {
  const parts: string[] = []
  ancestors.forEach((ancestor, at) => {
    const child = ancestors[at + 1]
    if (isSeq(ancestor)) parts.push(String(child === undefined ? key : ancestor.items.indexOf(child)))
    else if (typeof ancestor === 'object' && ancestor !== null && 'key' in ancestor && isScalar(ancestor.key)) {
      parts.push(String(ancestor.key.value))
    }
  })
  return parts.join('.')
}

/** After the first token that does not fit, YAML reports every following one. */
function withoutEchoes(troubles: readonly YAMLError[]): readonly YAMLError[] {
  return troubles.filter((trouble, at) => at === 0 || trouble.code !== 'UNEXPECTED_TOKEN')
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
