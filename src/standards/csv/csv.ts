import { type SyntaxFault, syntaxFault } from '../fault.ts'

/** A record of a file and the line on which it begins, counted from 1. */
export type CsvRow = { readonly line: number; readonly cells: readonly string[] }

/** More cells than this in one record are no list of ours. */
const mostCells = 64

/**
 * Reads comma-separated values (RFC 4180): quoted cells, doubled quotes, lines that end in CRLF or LF. Empty lines are left out, and a byte
 * order mark. Linear in the length of the text. A fault names its line in `offset`.
 */
export function readCsv(text: string): readonly CsvRow[] | SyntaxFault {
  const rows: CsvRow[] = []
  let [at, line] = [text.startsWith('\ufeff') ? 1 : 0, 1]
  while (at < text.length) {
    const begun = line
    const cells: string[] = []
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at)
      if (cell === null) return syntaxFault(`line ${line}: a quoted cell does not end`, line)
      line += newlinesIn(cell.raw)
      cells.push(cell.value)
      at = cell.end
      if (cells.length > mostCells) return syntaxFault(`line ${begun}: more than ${mostCells} cells`, begun)
      if (text[at] !== ',') break
      at += 1
    }
    const end = /\r?\n|$/y
    end.lastIndex = at
    const ending = end.exec(text)
    if (ending === null) return syntaxFault(`line ${line}: something stands behind a quoted cell`, line)
    at += ending[0].length
    if (ending[0] !== '') line += 1
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: begun, cells })
  }
  return rows
}

type Cell = { readonly value: string; readonly raw: string; readonly end: number }

function plainCell(text: string, at: number): Cell {
  const plain = /[^,\r\n]*/y
  plain.lastIndex = at
  const value = plain.exec(text)?.[0] ?? ''
  return { value: value.trim(), raw: '', end: at + value.length }
}

function quotedCell(text: string, at: number): Cell | null {
  let value = ''
  for (let from = at + 1; ;) {
    const quote = text.indexOf('"', from)
    if (quote === -1) return null
    value += text.slice(from, quote)
    if (text[quote + 1] !== '"') return { value, raw: text.slice(at, quote), end: quote + 1 }
    value += '"'
    from = quote + 2
  }
}

function newlinesIn(text: string): number {
  return text.split('\n').length - 1
}

/**
 * A record with its line end. A cell that a spreadsheet would take for a formula gets an apostrophe before it, which `unguarded` takes away
 * again.
 */
export function formatCsvRow(cells: readonly string[]): string {
  return `${cells.map((cell) => quoted(guarded(cell))).join(',')}\r\n`
}

/** A cell as it was before `formatCsvRow`. */
export function unguarded(cell: string): string {
  return guardedCell.test(cell) ? cell.slice(1) : cell
}

const dangerous = /^'*[=+\-@\t\r]/
const guardedCell = /^'+[=+\-@\t\r]/

function guarded(cell: string): string {
  return dangerous.test(cell) ? `'${cell}` : cell
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
