import type { Custody } from './custody.ts'
import { type CustodyOptions, openShard } from './sqlite/open.ts'

/**
 * Takes the custody shard `<dataDir>/custody/<shard>/` for this process, waiting for a leaving owner, and opens it.
 * Throws `CustodyError`: `in-use` when another process goes on owning it, `disk` when it cannot be opened.
 */
export function openCustody(options: CustodyOptions): Promise<Custody> {
  return openShard(options)
}
