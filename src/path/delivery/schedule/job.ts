import type { Lane, StoredMessage } from '../../custody/custody.ts'
import type { DecisionId } from '../../decision/decision.ts'

/** A message fresh from acceptance: nothing of it needs to be read back. */
export type Offered = { readonly message: StoredMessage; readonly body: readonly Buffer[] }

/** A message in our hands that is to be carried. */
export type Job = {
  readonly id: DecisionId
  readonly offered: Offered | null
  /** Faults of ours that it met so far. */
  readonly faults: number
  /** Where it goes, as far as that is known without reading it: the key of its destination, or `everywhere`. */
  readonly site: string
  /** Where the rest of its lane is to be looked for when it is done. */
  readonly lane: Lane | null
}

export function bytesOf(job: Job): number {
  let sum = 0
  for (const piece of job.offered?.body ?? []) sum += piece.length
  return sum
}
