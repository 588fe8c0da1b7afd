import type { DecisionId } from '../../decision/decision.ts'
import type { Custody } from '../custody.ts'

/** Ids of the messages that are due, lane by lane, as delivery finds them. */
export async function dueIds(
  custody: Custody,
  now: number,
  limit = 1000,
  leased: ReadonlySet<DecisionId> = new Set(),
): Promise<readonly DecisionId[]> {
  const found: DecisionId[] = []
  for (const lane of await custody.readyLanes(now, null, 1000)) {
    const due = await custody.dueIn(lane, now, limit - found.length, leased)
    found.push(...due.map(({ id }) => id))
  }
  return found
}
