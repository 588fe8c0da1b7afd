/** One thing that is wrong with a file that people write, and where. */
export type Problem = {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
  /** Keys and positions from the root, joined by dots; empty for the document itself. */
  readonly path: string
  readonly message: string
}

/** `FILE:LINE:COLUMN path: message`, the form in which every problem is shown: one line, whatever keys the file has. */
export function formatProblem(file: string, problem: Problem): string {
  const place = `${file}:${problem.line}:${problem.column}`
  const words = problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`
  return `${place} ${words.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`)}`
}

/** In the order of the file. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}

/** Both, in the order of the file, without what `later` says of a place that `earlier` has. */
export function mergeProblems(earlier: readonly Problem[], later: readonly Problem[]): readonly Problem[] {
  const places = new Set(earlier.map(placeOf))
  return sortProblems([...earlier, ...later.filter((problem) => !places.has(placeOf(problem)))])
}

function placeOf(problem: Problem): string {
  return `${problem.line}:${problem.column}`
}
