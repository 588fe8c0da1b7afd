import type { CheckedPolicy } from './document/checked-policy.ts'
import type { PolicyContext } from './document/context.ts'
import type { PolicyProblems } from './document/problems.ts'
import { readInThread } from './reading-thread.ts'

/** A text of more characters is read in a thread of its own: a shorter one is read sooner than a thread starts. */
const mostReadHere = 100_000

/**
 * Reads a policy in YAML or JSON. `file` names it in the problems. On any problem at all there is no policy.
 * The parser and the schema are loaded by the first call: a relay that starts again after a crash does without them.
 */
export async function readPolicy(
  text: string,
  file: string,
  context: PolicyContext,
): Promise<CheckedPolicy | PolicyProblems> {
  if (text.length > mostReadHere) return readInThread({ text, file, context })
  const document = await import('./document/read-policy.ts')
  return document.readPolicy(text, file, context)
}
