import { reply } from '../../../standards/smtp/reply.ts'
import { type Service, type State, type Step, progress, refuse } from '../step.ts'

/** STARTTLS (RFC 3207 §4). What follows 220 is TLS, and then a new session. */
export function starttls(state: State, service: Service): Step {
  if (service.options.tls === null) return refuse(state, 502, '5.5.1', 'TLS is not offered')
  if (state.session.tls !== null) return refuse(state, 503, '5.5.1', 'TLS is active already')
  if (state.session.greeting === null || !state.session.extended) return refuse(state, 503, '5.5.1', 'say EHLO first')
  return progress(reply(220, '2.0.0', 'go ahead with TLS'), state, 'starttls')
}
