import { setTimeout as sleep } from 'node:timers/promises'
import { isSyntaxFault } from '../../../standards/fault.ts'
import type { Secret } from '../../../standards/secret.ts'
import { parsePlainResponse } from '../../../standards/smtp/auth-plain.ts'
import type { Command } from '../../../standards/smtp/command.ts'
import { reply } from '../../../standards/smtp/reply.ts'
import { askGate } from '../ask-gate.ts'
import { type Service, type State, type Step, progress, refuse } from '../step.ts'

/** AUTH PLAIN (RFC 4954, RFC 4616), with the initial response or after 334. */
export async function auth(command: Command & { verb: 'AUTH' }, state: State, service: Service): Promise<Step> {
  const refused = checkAuth(command.mechanism, state, service)
  if (refused !== null) return refused
  if (command.initial !== null) return proceedAuth(command.initial, state, service)
  return progress(reply(334, null, ''), state, { answer: (line) => proceedAuth(line, state, service) })
}

function checkAuth(mechanism: string, state: State, service: Service): Step | null {
  const { session, transaction } = state
  if (!service.options.auth || service.options.tls === null) {
    return refuse(state, 503, '5.5.1', 'authentication is not offered')
  }
  if (session.tls === null) {
    return service.options.requireTls
      ? refuse(state, 530, '5.7.0', 'say STARTTLS first')
      : refuse(state, 538, '5.7.11', 'authentication needs TLS')
  }
  if (session.greeting === null || !session.extended) return refuse(state, 503, '5.5.1', 'say EHLO first')
  if (session.account !== null) return refuse(state, 503, '5.5.1', 'authenticated already')
  if (transaction !== null) return refuse(state, 503, '5.5.1', 'a transaction is open')
  if (mechanism !== 'PLAIN') return refuse(state, 504, '5.5.4', 'only PLAIN is offered')
  if (service.options.budget.authFailures.isBarred(session.client.address)) {
    return refuse(state, 421, '4.7.0', 'too many failed authentications, try again later', 'close')
  }
  return null
}

async function proceedAuth(response: Secret<string>, state: State, service: Service): Promise<Step> {
  if (response.reveal() === '*') return refuse(state, 501, '5.7.0', 'authentication cancelled')
  const credentials = parsePlainResponse(response)
  if (isSyntaxFault(credentials)) return refuse(state, 501, '5.5.2', credentials.reason)
  const { username, password } = credentials
  const answer = await askGate(service, 'AUTH', () => service.gate.authenticate(state.session, username, password))
  if (answer === true) {
    return progress(reply(235, '2.7.0', 'authenticated'), {
      ...state,
      session: { ...state.session, account: username },
    })
  }
  if (answer !== false) return progress(answer, state)
  return fail(state, service)
}

async function fail(state: State, service: Service): Promise<Step> {
  const { patience, options, log } = service
  const failures = state.authFailures + 1
  const { address } = state.session.client
  options.budget.authFailures.record(address)
  log.warn('authentication failed', { client: address, failures })
  await sleep(patience.authFailureDelayMs * failures)
  const next = failures >= patience.maxAuthFailures ? 'close' : 'command'
  return refuse({ ...state, authFailures: failures }, 535, '5.7.8', 'username or password not accepted', next)
}
