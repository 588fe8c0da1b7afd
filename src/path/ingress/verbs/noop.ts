import { reply } from '../../../standards/smtp/reply.ts'
import { type State, type Step, idle } from '../step.ts'

/** NOOP (RFC 5321 §4.1.1.9). */
export function noop(state: State): Step {
  return idle(reply(250, '2.0.0', 'ok'), state)
}
