/** Lines and columns of a text, from its offsets. What it knows of the text is made out when it is first asked. */
export class LinePlaces {
  readonly text: string
  #lineStarts: readonly number[] | null = null

  constructor(text: string) {
    this.text = text
  }

  /** Line and column, from 1, of an offset in UTF-16 code units. */
  at(offset: number): { readonly line: number; readonly column: number } {
    this.#lineStarts ??= lineStartsOf(this.text)
    const starts = this.#lineStarts
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}
