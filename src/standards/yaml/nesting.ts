/** Nothing that we read is nested deeper, and the parser takes time that grows without bound with the depth of what is broken. */
export const deepestNesting = 32

/** Sequences and complex keys that begin on one line, each within the one before. */
const blocksOnOneLine = new RegExp(`^[ \\t]*(?:[-?:][ \\t]+){${deepestNesting + 1}}`, 'm')

/**
 * Where a YAML text is nested deeper than anybody means, or null. Brackets count wherever they stand, in quoted texts and comments too:
 * so many that stay open belong to no text that we read.
 */
export function tooDeepAt(text: string): { readonly line: number; readonly column: number } | null {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]
    if (letter === '[' || letter === '{') depth++
    else if ((letter === ']' || letter === '}') && depth > 0) depth--
    if (depth > deepestNesting) return placeOf(text, at)
  }
  const blocks = blocksOnOneLine.exec(text)
  return blocks === null ? null : placeOf(text, blocks.index)
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
