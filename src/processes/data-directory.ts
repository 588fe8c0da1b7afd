import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { type HeldLock, tryLock } from '../platform/lock.ts'
import { StartFailure } from './start-failure.ts'

/**
 * Takes the data directory for this process, making it when it is new: mail lies in it, so it is the owner's alone. Null when another
 * process has it. Throws `StartFailure` when it cannot be used at all.
 */
export function tryDataDirectory({ dataDir }: Config): HeldLock | null {
  try {
    mkdirSync(join(dataDir, 'run'), { recursive: true, mode: 0o700 })
    return tryLock(join(dataDir, 'run', 'owner.lock'))
  } catch (error) {
    throw new StartFailure(`dataDir ${dataDir} can not be used: ${(error as Error).message}`, { cause: error })
  }
}
