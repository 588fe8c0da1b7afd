import { reply } from '../../../standards/smtp/reply.ts'
import { type Service, type State, type Step, idle, refuse } from '../step.ts'

/** VRFY (RFC 5321 §3.5.3): nothing is told about any mailbox. */
export function vrfy(state: State, service: Service): Step {
  if (service.options.requireTls && state.session.tls === null) return refuse(state, 530, '5.7.0', 'say STARTTLS first')
  return idle(reply(252, '2.5.0', 'not verified; send the mail and see'), state)
}
