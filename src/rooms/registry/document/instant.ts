import { type SyntaxFault, syntaxFault } from '../../../standards/fault.ts'

const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(?:Z|([+-])(\d{2}):(\d{2})))?$/

/** Reads `2027-02-01` (its first moment in UTC) or `2026-11-01T00:00Z`, with seconds or another offset where wanted; in milliseconds since the epoch. */
export function parseInstant(text: string): number | SyntaxFault {
  const match = pattern.exec(text)
  const fault = syntaxFault('must be a day such as 2027-02-01, or a moment such as 2027-02-01T08:00Z')
  if (match === null) return fault
  const part = (at: number) => Number(match[at] ?? 0)
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)]
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0'))
  const offset = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10))
  if (hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) return fault
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds))
  if (year < 1970 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return fault
  return date.getTime() - offset * 60_000
}
