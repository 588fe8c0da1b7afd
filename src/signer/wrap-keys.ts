import type { ForeignKey, TakenKey } from './import.ts'
import { signerLaunch } from './launch.ts'
import type { WrappedKey } from './protocol.ts'
import { runOnce } from './run-once.ts'

/** Has keys that were made elsewhere read and wrapped by a signer process of its own; what it cannot use comes back as a refusal. */
export async function takeKeys(wrapping: string, keys: readonly ForeignKey[]): Promise<readonly TakenKey[]> {
  if (keys.length === 0) return []
  return ((await runOnce(signerLaunch('import', wrapping), { keys })) as { readonly keys: readonly TakenKey[] }).keys
}

/**
 * Wraps keys anew under the key that `to` names, in a signer process of its own. One that has that wrapping already comes back as it is;
 * null: it opens under neither. Answers in the order asked.
 */
export async function wrapAnew(
  wrapping: string,
  to: string,
  keys: readonly WrappedKey[],
): Promise<readonly (string | null)[]> {
  if (keys.length === 0) return []
  const launch = signerLaunch('rewrap', wrapping, to)
  const answer = await runOnce(launch, { to: launch.to, keys })
  return (answer as { readonly keys: readonly (string | null)[] }).keys
}
