import { constants, setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import type { GeneratedKey, KeyOrder } from './generate.ts'
import { signerLaunch, startProcess } from './launch.ts'

export type MakingOptions = {
  /** Let everything else on the machine go first. */
  readonly patient?: boolean
  /** Ends the process that makes the keys; the promise then rejects. */
  readonly signal?: AbortSignal
}

/**
 * Makes keys in a signer process of their own, which prints them already wrapped: no private key enters this process. Answers in the order
 * asked; throws an Error in plain words when the process fails (its own words are on standard error). One run makes any number: 2048 bits
 * take about 0.1 s each.
 */
export async function generateKeys(
  wrapping: string,
  keys: readonly KeyOrder[],
  { patient = false, signal }: MakingOptions = {},
): Promise<readonly GeneratedKey[]> {
  if (keys.length === 0 || signal?.aborted === true) return []
  const launch = signerLaunch('generate', wrapping)
  const child = startProcess(launch)
  if (patient && child.pid !== undefined) stepBack(child.pid)
  const abort = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', abort, { once: true })
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify({ wrapping: launch.wrapping, keys }))
  const [printed, code] = await Promise.all([text(child.stdout), exit])
  signal?.removeEventListener('abort', abort)
  if (code !== 0) throw new Error(`the signer made no keys: it ended with ${code ?? 'a signal'}`)
  return (JSON.parse(printed) as { readonly keys: readonly GeneratedKey[] }).keys
}

/** A process that is gone already, or a system that does not let us, is no reason to make no keys. */
function stepBack(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It then runs as everything else does.
  }
}
