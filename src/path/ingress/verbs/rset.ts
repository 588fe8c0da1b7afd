import { reply } from '../../../standards/smtp/reply.ts'
import { type State, type Step, idle, noTransaction } from '../step.ts'

/** RSET (RFC 5321 §4.1.1.5). */
export function rset(state: State): Step {
  return idle(reply(250, '2.0.0', 'forgotten'), { ...state, ...noTransaction })
}
