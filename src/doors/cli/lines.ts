/** A line, or that one was longer than could be read; then its start is all that was kept. */
export type Line = { readonly text: string; readonly isTooLong: boolean }

const LF = 10

/** How much of a line that is too long is kept, to tell which it was. */
const keptOctets = 4096

/**
 * The lines of a stream as it is read: nothing is read ahead of who takes them. A line longer than `maxOctets` is passed over and
 * said to be too long. Empty lines are left out.
 */
export async function* readLines(input: AsyncIterable<Buffer>, maxOctets: number): AsyncGenerator<Line> {
  let pieces: Buffer[] = []
  let length = 0
  const take = (piece: Buffer): void => {
    if (length <= maxOctets) pieces.push(piece)
    length += piece.length
  }
  const finish = (): Line | null => {
    const isTooLong = length > maxOctets
    const whole = Buffer.concat(pieces)
    pieces = []
    length = 0
    const text = whole.toString('utf8', 0, isTooLong ? keptOctets : whole.length)
    return isTooLong || text.trim() !== '' ? { text, isTooLong } : null
  }
  for await (const chunk of input) {
    let from = 0
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, at))
      from = at + 1
      const line = finish()
      if (line !== null) yield line
    }
    if (from < chunk.length) take(chunk.subarray(from))
  }
  const last = finish()
  if (last !== null) yield last
}
