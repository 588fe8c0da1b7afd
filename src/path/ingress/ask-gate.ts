import { inspect } from 'node:util'
import { asFault } from '../../standards/smtp/fault.ts'
import type { Reply } from '../../standards/smtp/reply.ts'
import type { Service } from './step.ts'

/** Asks the gate. What it throws is a fault: kept in the log, and heard by the client as the fault's reply. */
export async function askGate<T>(service: Service, question: string, ask: () => Promise<T>): Promise<T | Reply> {
  try {
    return await ask()
  } catch (thrown) {
    const fault = asFault(thrown)
    service.log.error('the gate failed', {
      question,
      blame: fault.blame,
      kept: fault.message,
      cause: describe(fault.cause),
    })
    return fault.reply
  }
}

export function describe(cause: unknown): string | null {
  return cause === undefined ? null : inspect(cause)
}
