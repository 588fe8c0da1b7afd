/** Reads by a list of values in several statements, since databases bound the number of parameters of one. */
export async function inParts<T>(
  values: readonly string[],
  read: (part: readonly string[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const rows: T[] = []
  for (let from = 0; from < values.length; from += 1000) rows.push(...(await read(values.slice(from, from + 1000))))
  return rows
}
