/** Reads by a list of values in several statements, since databases bound the number of parameters of one. */
export async function inParts<T>(
  values: readonly string[],
  read: (part: readonly string[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const rows: T[] = []
  for (let from = 0; from < values.length; from += 1000) rows.push(...(await read(values.slice(from, from + 1000))))
  return rows
}

/** Writes many rows in few statements; `columns` is how many values a row has. */
export async function writeInParts<T>(
  rows: readonly T[],
  columns: number,
  write: (part: readonly T[]) => Promise<unknown>,
): Promise<void> {
  const size = Math.max(1, Math.floor(1000 / columns))
  for (let from = 0; from < rows.length; from += size) await write(rows.slice(from, from + size))
}
