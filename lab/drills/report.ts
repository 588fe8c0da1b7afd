import type { Tally } from './stock.ts'

/** What a drill found. It holds when there is no fault. */
export type Report = {
  readonly drill: string
  readonly seed: number
  readonly tally: Tally
  readonly faults: readonly string[]
  /** Other figures of this drill, by name. */
  readonly figures: { readonly [name: string]: number }
}

/** A drill that this machine can not do, and what it lacks. */
export type NotHere = { readonly drill: string; readonly lacking: string }

export function isNotHere(report: Report | NotHere): report is NotHere {
  return 'lacking' in report
}

/** What every drill is told. */
export type DrillOptions = {
  readonly seed: number
  readonly connections: number
  /** Progress, for people. */
  readonly say: (line: string) => void
}
