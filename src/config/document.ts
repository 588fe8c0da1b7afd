import { z } from 'zod'
import { schema } from './schema.ts'

type Node = {
  readonly description?: string
  readonly default?: unknown
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: Node
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Node[]
}

type Row = { readonly key: string; readonly node: Node; readonly required: boolean }

const opening = `# Configuration

\`anechoic.yaml\`, or the file that \`--config\` names. This page is generated from the schema that reads it.

- Every key is optional unless it says *required*; with no file at all the defaults hold. A partial object keeps the other defaults.
- A key that is not listed here is an error. All errors are reported at once, as \`FILE:LINE:COLUMN path: message\`.
- \`\${NAME}\` in a value is replaced by that environment variable; one that is not set is an error. \`$\${\` stands for the characters themselves.
- Durations are whole numbers with a unit: \`100ms\`, \`60s\`, \`15m\`, \`4h\`, \`5d\`. Sizes are plain numbers of octets.
- Relative paths start at the directory of the file.
- No default opens anything: with the defaults the relay listens on loopback and nobody is authorised.

| key | type | default | meaning |
|---|---|---|---|
`

/** \`docs/config.md\`, from the schema. */
export function configDocument(): string {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  const lines = rowsOf(root, '').map(
    ({ key, node, required }) =>
      `| \`${key}\` | ${typeOf(node)} | ${required ? '*required*' : defaultOf(node)} | ${cell(node.description ?? '')} |`,
  )
  return `${opening}${lines.join('\n')}\n`
}

function rowsOf(node: Node, path: string): readonly Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = path === '' ? name : `${path}.${name}`
    const shape = objectOf(child)
    const row = { key, node: child, required: node.required?.includes(name) ?? false }
    const inner = shape === null ? [] : rowsOf(shape.node, `${key}${shape.isList ? '[]' : ''}`)
    return [row, ...inner]
  })
}

/** The object that a key holds: itself, what a list is of, or the one that is not null. */
function objectOf(node: Node): { readonly node: Node; readonly isList: boolean } | null {
  if (node.properties !== undefined) return { node, isList: false }
  if (node.items?.properties !== undefined) return { node: node.items, isList: true }
  const held = node.anyOf?.find((one) => one.type !== 'null')
  return held === undefined ? null : objectOf(held)
}

function typeOf(node: Node): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``
  if (node.anyOf !== undefined)
    return node.anyOf.map((one) => (one.type === 'null' ? '`null`' : typeOf(one))).join(' or ')
  const types = typeof node.type === 'object' ? node.type : [node.type ?? 'string']
  return types
    .map((type) => (type === 'array' ? `list of ${plural(typeOf(node.items ?? {}))}` : (words[type] ?? type)))
    .join(' or ')
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  object: 'mapping',
  null: '`null`',
}

function plural(type: string): string {
  return `${type}s`
}

function defaultOf(node: Node): string {
  if (node.properties !== undefined || node.default === undefined) return ''
  return `\`${JSON.stringify(node.default)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
