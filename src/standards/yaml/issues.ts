import type { z } from 'zod'
import { type Problem, mergeProblems, sortProblems } from './problem.ts'
import type { YamlPath, SourceText } from './source.ts'

/**
 * Reads a document into what `schema` makes of it, or tells everything that is wrong with it. An empty document is read as `empty`.
 * A place that has a problem already is not complained of twice.
 */
export function readYaml<T>(
  source: SourceText,
  schema: z.ZodType<T>,
  empty: unknown,
): { readonly value: T } | { readonly problems: readonly Problem[] } {
  if (!source.isReadable) return { problems: sortProblems(source.problems) }
  const read = schema.safeParse(source.value ?? empty)
  const complaints = read.success ? [] : problemsOf(source, [], read.error.issues)
  if (read.success && source.problems.length === 0) return { value: read.data }
  return { problems: mergeProblems(source.problems, complaints) }
}

/** zod's issues as problems with their places: one for each unknown key, and no union without the reason why its branch failed. */
export function problemsOf(
  source: SourceText,
  base: YamlPath,
  issues: readonly z.core.$ZodIssue[],
): readonly Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(source, [...base, ...issue.path], issue))
}

function problemsOfIssue(source: SourceText, path: YamlPath, issue: z.core.$ZodIssue): readonly Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => source.keyProblem(path, key, 'there is no such key'))
    case 'invalid_type':
      return [source.problem(path, wrongType(issue.expected, source.valueAt(path)))]
    case 'invalid_value':
      // A message of the schema's own says more than the list of values.
      if (!issue.message.startsWith('Invalid ')) return [source.problem(path, issue.message)]
      return [source.problem(path, `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`)]
    case 'invalid_union': {
      // The branch that got furthest is the one that was meant.
      const furthest = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0]
      if (furthest === undefined || furthest.length === 0) return [source.problem(path, unionWords(issue))]
      return problemsOf(source, path, furthest)
    }
    default:
      return [source.problem(path, lowerFirst(issue.message))]
  }
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length))
}

function unionWords(issue: z.core.$ZodIssueInvalidUnion): string {
  if (!('options' in issue) || issue.options === undefined) return lowerFirst(issue.message)
  return `must be ${issue.options.map((option) => JSON.stringify(String(option))).join(' or ')}`
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text (in quotes, where it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
}

function wrongType(expected: string, input: unknown): string {
  const name = typeNames[expected] ?? expected
  if (input === undefined) return `is missing; it must be ${name}`
  if (input === null) return `is empty; it must be ${name}, or the key left out`
  return `must be ${name}`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
