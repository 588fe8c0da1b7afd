// Rules of our own for oxlint. The import table itself is in .oxlintrc.json.
import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { type Borders, whyForbidden } from './borders.ts'

/** The part of an ESTree node that the rules look at. */
interface Node {
  readonly type: string
  readonly name?: string
  readonly value?: unknown
  readonly importKind?: 'value' | 'type'
  readonly exportKind?: 'value' | 'type'
  readonly source?: Node | null
  readonly callee?: Node
  readonly object?: Node
  readonly property?: Node
  readonly arguments?: readonly Node[]
}

interface Context {
  readonly filename: string
  readonly cwd: string
  readonly options: readonly unknown[]
  report(problem: { node: Node; message: string }): void
}

const shipped: ReadonlySet<string> = new Set(
  Object.keys(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).dependencies),
)

const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Calls `visit` for each way in which a module can name another. */
const eachImport = (visit: (node: Node, specifier: string, kind: 'value' | 'type') => void) => {
  const at = (node: Node, source: Node | null | undefined, kind: 'value' | 'type' = 'value') => {
    if (typeof source?.value === 'string') visit(node, source.value, kind)
  }
  return {
    ImportDeclaration: (node: Node) => at(node, node.source, node.importKind),
    ExportNamedDeclaration: (node: Node) => at(node, node.source, node.exportKind),
    ExportAllDeclaration: (node: Node) => at(node, node.source, node.exportKind),
    ImportExpression: (node: Node) => at(node, node.source),
    TSImportType: (node: Node) => at(node, node.source, 'type'),
    // new Worker(new URL('./worker.ts', import.meta.url))
    NewExpression: (node: Node) => {
      const [file] = node.arguments ?? []
      if (node.callee?.name === 'URL' && String(file?.value).endsWith('.ts')) at(node, file)
    },
  }
}

const borders = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create: (context: Context) => {
    const table = context.options[0] as Borders
    const path = (file: string) => relative(context.cwd, file).replaceAll('\\', '/')
    const from = path(context.filename)
    return eachImport((node, specifier, kind) => {
      if (!specifier.startsWith('.')) return
      const to = path(resolve(dirname(context.filename), specifier))
      const message = whyForbidden(table, { from, to, kind })
      if (message) context.report({ node, message })
    })
  },
}

/** Code that ships must not need a package that is installed for development only. */
const shippedPackages = {
  meta: { type: 'problem' },
  create: (context: Context) =>
    eachImport((node, specifier, kind) => {
      if (kind === 'type' || specifier.startsWith('.') || specifier.startsWith('node:')) return
      const name = packageOf(specifier)
      if (!shipped.has(name)) context.report({ node, message: `${name} is not in the dependencies of package.json` })
    }),
}

/** Time and chance are arguments where a decision must be the same when it is replayed. */
const noClock = {
  meta: { type: 'problem' },
  create: (context: Context) => ({
    NewExpression: (node: Node) => {
      if (node.callee?.name !== 'Date' || node.arguments?.length !== 0) return
      context.report({ node, message: 'the time is an argument here' })
    },
    MemberExpression: (node: Node) => {
      const name = `${node.object?.name}.${node.property?.name}`
      if (name === 'Date.now' || name === 'performance.now')
        context.report({ node, message: 'the time is an argument here' })
      if (name === 'Math.random') context.report({ node, message: 'chance is an argument here' })
    },
  }),
}

export default {
  meta: { name: 'anechoic' },
  rules: { borders, 'no-clock': noClock, 'shipped-packages': shippedPackages },
}
