import { setTimeout as pause } from 'node:timers/promises'
import { StartFailure } from './start-failure.ts'

/** How long a start waits for what a leaving instance still holds, in milliseconds (contract section 1). */
export const patienceMs = 10_000
/** Where nobody is leaving: a process that is started again, or a changed port. */
const shortPatienceMs = 2_000

/** Tries to listen until the port is free. Throws `StartFailure`, naming the `place`, when it stays taken, and at once when it can't be had. */
export async function whenPortIsFree<T>(place: string, firstStart: boolean, listen: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + (firstStart ? patienceMs : shortPatienceMs)
  for (;;) {
    try {
      return await listen()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE') throw new StartFailure(`can not listen on ${place}: ${message}`, { cause: error })
      if (performance.now() >= deadline) {
        throw new StartFailure(`can not listen on ${place}: another process has it`, { cause: error })
      }
      await pause(50)
    }
  }
}

/** Waits for the end of `work`, but no longer than this; whether it ended in time. Rejects when it does. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController()
  const late = pause(milliseconds, false, { signal: over.signal }).catch(() => false)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    over.abort()
  }
}

/** Runs `work` again and again, `everyMs` after each end, until stopped. What it throws goes to `onError`; the next turn comes anyway. */
export function repeat(
  everyMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { stop(): Promise<void> } {
  let stopped = false
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> = Promise.resolve()
  const turn = (): void => {
    running = work()
      .catch(onError)
      .then(() => {
        if (!stopped) timer = setTimeout(turn, everyMs)
      })
  }
  turn()
  return {
    stop: () => {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      return running
    },
  }
}
