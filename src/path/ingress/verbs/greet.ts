import { claimed } from '../../../standards/claim.ts'
import type { Command } from '../../../standards/smtp/command.ts'
import { type Reply, reply } from '../../../standards/smtp/reply.ts'
import type { Session } from '../gate.ts'
import { type Service, type State, type Step, idle, noTransaction, progress } from '../step.ts'

/** EHLO and HELO (RFC 5321 §4.1.1.1). Both drop the transaction (§4.1.4); an authentication stays (RFC 4954 §4). */
export function greet(command: Command & { verb: 'EHLO' | 'HELO' }, state: State, service: Service): Step {
  const isFirst = state.session.greeting === null
  const session: Session = {
    ...state.session,
    greeting: claimed(command.greeting, 'greeting'),
    extended: command.verb === 'EHLO',
  }
  const next = { ...state, ...noTransaction, session }
  const answer = command.verb === 'EHLO' ? extensions(session, service) : reply(250, null, service.hostname)
  return isFirst ? progress(answer, next) : idle(answer, next)
}

/** CHUNKING is not offered: it would invite bare line feeds. */
function extensions(session: Session, { options, hostname }: Service): Reply {
  return reply(
    250,
    null,
    hostname,
    'PIPELINING',
    `SIZE ${options.limits.maxMessageBytes}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
    'DSN',
    ...(options.tls !== null && session.tls === null ? ['STARTTLS'] : []),
    ...(options.auth && session.tls !== null ? ['AUTH PLAIN LOGIN'] : []),
    ...(session.tls === null ? [] : ['REQUIRETLS', 'XOORG']),
  )
}
