import { type SyntaxFault, syntaxFault } from '../fault.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `100ms`, `60s`, `15m`, `4h` or `5d`, in milliseconds. */
export function parseDuration(text: string): number | SyntaxFault {
  const match = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/.exec(text)
  const unit = units[match?.[2] ?? '']
  if (match === null || unit === undefined) return syntaxFault('must be a whole number with a unit: ms, s, m, h or d')
  return Number(match[1]) * unit
}

/** The same as text again, in the largest unit that leaves no rest. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.round(milliseconds)
  const [name, unit] = Object.entries(units).findLast(([, size]) => whole !== 0 && whole % size === 0) ?? ['ms', 1]
  return `${whole / unit}${name}`
}
