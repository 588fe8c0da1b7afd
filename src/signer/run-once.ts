import { constants, setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { type Launch, startProcess } from './launch.ts'

export type RunOptions = {
  /** Let everything else on the machine go first. */
  readonly patient?: boolean
  /** Ends the process; the promise then rejects. */
  readonly signal?: AbortSignal
}

/**
 * Runs a signer process to its end: it reads a request in JSON and prints its answer in JSON. Throws an Error in plain words when it fails
 * (its own words are on standard error).
 */
export async function runOnce(launch: Launch, request: object, options: RunOptions = {}): Promise<unknown> {
  const { patient = false, signal } = options
  const child = startProcess(launch)
  if (patient && child.pid !== undefined) stepBack(child.pid)
  const abort = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', abort, { once: true })
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify({ ...request, wrapping: launch.wrapping }))
  const [printed, code] = await Promise.all([text(child.stdout), exit])
  signal?.removeEventListener('abort', abort)
  if (code !== 0) throw new Error(`the signer gave up: it ended with ${code ?? 'a signal'}`)
  return JSON.parse(printed)
}

/** A process that is gone already, or a system that does not let us, is no reason to do nothing. */
function stepBack(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It then runs as everything else does.
  }
}
