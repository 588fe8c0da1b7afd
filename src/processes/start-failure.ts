import { exitCodes } from '../standards/exit-codes.ts'

/** Why a process cannot do its work, in words for the person who started it: a line for each thing to put right, and no stack. */
export class StartFailure extends Error {
  readonly exitCode = exitCodes.usage

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartFailure'
  }
}

/** Runs `work`; what it throws is told as a failure of `what`, which the configuration named. */
export async function orFailure<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StartFailure) throw error
    throw new StartFailure(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
