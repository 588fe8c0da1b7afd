import Table from 'cli-table3'
import { stripVTControlCharacters } from 'node:util'
import type { StoryEvent } from '../operations.ts'
import type { Terminal } from './call.ts'

/** JSON for machines, or a table for people; an empty list says so in words. */
export function printRows<Row>(
  terminal: Terminal,
  rows: readonly Row[],
  options: {
    readonly json: boolean
    readonly empty: string
    readonly columns: { readonly [heading: string]: (row: Row) => string }
  },
): void {
  if (options.json) return printJson(terminal, rows)
  if (rows.length === 0) return terminal.out(`${options.empty}\n`)
  const columns = Object.entries(options.columns)
  const table = new Table({
    head: columns.map(([heading]) => heading),
    chars: plainLines,
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push(columns.map(([, value]) => harmless(value(row))))
  terminal.out(`${table.toString()}\n`)
}

/** What happened, a line for each event; what was said on the wire stands below it, set in. */
export function eventLines(events: readonly StoryEvent[]): readonly string[] {
  return events.flatMap(({ at, kind, words, lines = [] }) => [
    `${at}  ${kind}  ${words}`,
    ...lines.map((line) => `    ${line}`),
  ])
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, null, 2)}\n`)
}

/** Text that came from mail may hold escape sequences that would drive the reader's terminal. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '\ufffd',
  )
}

const plainLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
