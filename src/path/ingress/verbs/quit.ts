import { reply } from '../../../standards/smtp/reply.ts'
import { type State, type Step, progress } from '../step.ts'

/** QUIT (RFC 5321 §4.1.1.10). */
export function quit(state: State): Step {
  return progress(reply(221, '2.0.0', 'goodbye'), state, 'close')
}
