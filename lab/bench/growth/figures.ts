import type { Machine } from '../machine.ts'
import type { PartResult } from '../parts/part.ts'
import { median } from '../probe.ts'
import type { Ratio } from '../results.ts'

/** One thing that was measured. */
export type Figure = {
  /** What it belongs to: policy, decide, message, start, change, queue, idle, large. */
  readonly part: string
  /** Of how many: `100000 customers`, `200000 queued`. */
  readonly size: string
  readonly name: string
  readonly value: number
  readonly unit: 'ms' | 'us' | 'MB' | 'KB' | 'count' | '%'
}

/** What a part reports, without its own name. */
export type PartFigures = readonly Omit<Figure, 'part'>[]

/** The path of a message at one size: the medians of its rounds. */
export type GrowthRun = PartResult & { readonly name: string; readonly rounds: number }

export type GrowthResults = {
  readonly machine: Machine
  readonly runs: readonly GrowthRun[]
  /** Each size against the smallest: 1.02 times the CPU is 2 % more. The median of what each round gives. */
  readonly ratios: { readonly [name: string]: Ratio }
  readonly figures: readonly Figure[]
}

/** The rounds at one size. */
export type Sized = { readonly size: string; readonly rounds: readonly PartResult[] }

/** Sizes that took turns, the smallest first. */
export function compared(part: string, sizes: readonly Sized[]): Pick<GrowthResults, 'runs' | 'ratios'> {
  const runs: GrowthRun[] = []
  const ratios: Record<string, Ratio> = {}
  const smallest = sizes[0]?.rounds ?? []
  for (const { size, rounds } of sizes) {
    const name = `${part}, ${size}`
    const middle = (field: keyof PartResult): number => median(rounds.map((round) => round[field]))
    const against = (field: keyof PartResult): number =>
      median(rounds.map((round, turn) => round[field] / (smallest[turn]?.[field] ?? Number.NaN)))
    runs.push({
      name,
      messagesPerSecond: middle('messagesPerSecond'),
      cpuMicrosecondsPerMessage: middle('cpuMicrosecondsPerMessage'),
      rssMegabytes: middle('rssMegabytes'),
      p50Ms: middle('p50Ms'),
      p99Ms: middle('p99Ms'),
      rounds: rounds.length,
    })
    if (rounds === smallest) continue
    ratios[name] = {
      messagesPerSecond: against('messagesPerSecond'),
      cpuMicrosecondsPerMessage: against('cpuMicrosecondsPerMessage'),
    }
  }
  return { runs, ratios }
}

/** The results as tables for people, a line each. */
export function growthTable({ machine, runs, ratios, figures }: GrowthResults): string {
  const { cpu, cores, memoryMegabytes, kernel, node, rsaSignMicroseconds } = machine
  const compare = runs.map((run) => [
    run.name,
    `${shown(run.messagesPerSecond)} messages/s`,
    `${shown(run.cpuMicrosecondsPerMessage)} us CPU a message`,
    `p50 ${shown(run.p50Ms)} ms`,
    `p99 ${shown(run.p99Ms)} ms`,
    `RSS ${shown(run.rssMegabytes)} MB`,
    ratios[run.name] === undefined
      ? ''
      : `${(ratios[run.name]?.cpuMicrosecondsPerMessage ?? 0).toFixed(3)} times the CPU`,
  ])
  const others = figures.map(({ part, size, name, value, unit }) => [part, size, name, `${shown(value)} ${unit}`])
  return [
    `${cpu}, ${cores} cores, ${memoryMegabytes} MB, Linux ${kernel}, Node ${node}; one RSA-2048 signature ${rsaSignMicroseconds} us\n`,
    columns(compare),
    columns(others),
  ]
    .filter((text) => text !== '')
    .join('\n')
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function shown(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
