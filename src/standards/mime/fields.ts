/** Header fields as a forgiving reader takes them: names in lower case, each with its values unfolded, in their order. */
export type Fields = ReadonlyMap<string, readonly string[]>

const mostFields = 500
const longestValue = 4000

/**
 * Reads the fields of a header section or of a block of a report, from text whose lines end in LF, up to an empty line. What is no field
 * is passed over: people's systems write such blocks in many ways, and nothing here is a reason to allow.
 */
export function readFields(text: string): { readonly fields: Fields; readonly rest: string } {
  const fields = new Map<string, string[]>()
  let count = 0
  let last: string[] | null = null
  let at = 0
  while (at < text.length) {
    const end = text.indexOf('\n', at)
    const stop = end === -1 ? text.length : end
    const line = text.slice(at, Math.min(stop, at + longestValue)).trimEnd()
    at = stop + 1
    if (line === '') break
    if (line.startsWith(' ') || line.startsWith('\t')) {
      const value = last?.pop()
      if (last !== null && value !== undefined) last.push(`${value} ${line.trim()}`.trim().slice(0, longestValue))
      continue
    }
    const colon = line.indexOf(':')
    const name = colon === -1 ? '' : line.slice(0, colon).trimEnd().toLowerCase()
    if (!/^[!-9;-~]{1,80}$/.test(name) || ++count > mostFields) {
      last = null
      continue
    }
    last = fields.get(name) ?? []
    fields.set(name, last)
    last.push(line.slice(colon + 1).trim())
  }
  return { fields, rest: text.slice(Math.min(at, text.length)) }
}

/** The first value of a field, or null. */
export function firstOf(fields: Fields, name: string): string | null {
  return fields.get(name)?.[0] ?? null
}
