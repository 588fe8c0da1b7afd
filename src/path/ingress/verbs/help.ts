import { reply } from '../../../standards/smtp/reply.ts'
import { type State, type Step, idle } from '../step.ts'

/** HELP (RFC 5321 §4.1.1.8). */
export function help(state: State): Step {
  return idle(reply(214, '2.0.0', 'a mail relay for authorised senders; see RFC 5321'), state)
}
