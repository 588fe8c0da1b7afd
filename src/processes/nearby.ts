import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/index.ts'
import { remoteOperations } from '../doors/cli/remote.ts'
import { OperationError, type Operations } from '../doors/operations.ts'
import { tryDataDirectory } from './data-directory.ts'
import { readLocalAccess } from './local-access.ts'
import { patienceMs } from './waiting.ts'

/** What the command line asks, and how it is given back. */
export type Opened = { readonly operations: Operations; close(): Promise<void> }

/**
 * The operations of this machine's data directory: those of the server that runs on it, else those on the stores themselves. Waits for
 * one that is just starting or leaving, and for another command.
 */
export async function openNearby(config: Config): Promise<Opened> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const lock = tryDataDirectory(config)
    if (lock !== null) {
      const { openOffline } = await import('./offline.ts')
      return openOffline(config, lock)
    }
    const access = readLocalAccess(config)
    if (access !== null && (await answers(access.url))) {
      return { operations: remoteOperations(access.url, access.token), close: () => Promise.resolve() }
    }
    if (performance.now() >= deadline) {
      throw new OperationError(
        'unavailable',
        `${config.dataDir} is in use, and no server answers for it yet: try again`,
      )
    }
    await pause(50)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })).ok
  } catch {
    return false
  }
}
