import type { GeneratedKey, KeyOrder } from './generate.ts'
import { signerLaunch } from './launch.ts'
import { type RunOptions, runOnce } from './run-once.ts'

/**
 * Makes keys in a signer process of their own, which prints them already wrapped: no private key enters this process. Answers in the order
 * asked; throws an Error in plain words when the process fails (its own words are on standard error). One run makes any number: 2048 bits
 * take about 0.1 s each.
 */
export async function generateKeys(
  wrapping: string,
  keys: readonly KeyOrder[],
  options: RunOptions = {},
): Promise<readonly GeneratedKey[]> {
  if (keys.length === 0 || options.signal?.aborted === true) return []
  const answer = await runOnce(signerLaunch('generate', wrapping), { keys }, options)
  return (answer as { readonly keys: readonly GeneratedKey[] }).keys
}
