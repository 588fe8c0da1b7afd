import { setTimeout as pause } from 'node:timers/promises'

/** How long a start waits for a port that a leaving instance still holds, in milliseconds. */
const patienceMs = 10_000

/** Tries to listen until the port is free. Rejects with the last error when it stays taken, and at once for any other error. */
export async function whenPortIsFree<T>(listen: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await listen()
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || performance.now() >= deadline) throw error
      await pause(50)
    }
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
