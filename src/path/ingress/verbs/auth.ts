import { setTimeout as sleep } from 'node:timers/promises'
import { type SyntaxFault, isSyntaxFault } from '../../../standards/fault.ts'
import type { Secret } from '../../../standards/secret.ts'
import { parseLoginResponses } from '../../../standards/smtp/auth-login.ts'
import { parsePlainResponse } from '../../../standards/smtp/auth-plain.ts'
import type { Command } from '../../../standards/smtp/command.ts'
import type { Credentials } from '../../../standards/smtp/credentials.ts'
import { reply } from '../../../standards/smtp/reply.ts'
import { askGate } from '../ask-gate.ts'
import { type Service, type State, type Step, progress, refuse } from '../step.ts'

/** AUTH (RFC 4954) by PLAIN (RFC 4616) or by LOGIN, for clients that know no better, with the initial response or after 334. */
export async function auth(command: Command & { verb: 'AUTH' }, state: State, service: Service): Promise<Step> {
  const refused = checkAuth(state, service)
  if (refused !== null) return refused
  const { initial, mechanism } = command
  switch (mechanism) {
    case 'PLAIN':
      return initial === null
        ? ask('', (line) => proceedPlain(line, state, service), state)
        : proceedPlain(initial, state, service)
    case 'LOGIN':
      return initial === null
        ? ask('Username:', (line) => askPassword(line, state, service), state)
        : askPassword(initial, state, service)
    default:
      return refuse(state, 504, '5.5.4', 'only PLAIN and LOGIN are offered')
  }
}

function checkAuth(state: State, service: Service): Step | null {
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
  if (service.options.budget.authFailures.isBarred(session.client.address)) {
    return refuse(state, 421, '4.7.0', 'too many failed authentications, try again later', 'close')
  }
  return null
}

function ask(prompt: string, answer: (line: Secret<string>) => Promise<Step>, state: State): Step {
  return progress(reply(334, null, Buffer.from(prompt).toString('base64')), state, { answer })
}

/** LOGIN names no text for its prompts; these are what every client knows. */
async function askPassword(username: Secret<string>, state: State, service: Service): Promise<Step> {
  if (isCancelled(username)) return cancelled(state)
  return ask('Password:', (password) => proceedLogin(username, password, state, service), state)
}

async function proceedPlain(response: Secret<string>, state: State, service: Service): Promise<Step> {
  return isCancelled(response) ? cancelled(state) : proceedAuth(parsePlainResponse(response), state, service)
}

async function proceedLogin(
  username: Secret<string>,
  password: Secret<string>,
  state: State,
  service: Service,
): Promise<Step> {
  return isCancelled(password) ? cancelled(state) : proceedAuth(parseLoginResponses(username, password), state, service)
}

function isCancelled(response: Secret<string>): boolean {
  return response.reveal() === '*'
}

function cancelled(state: State): Step {
  return refuse(state, 501, '5.7.0', 'authentication cancelled')
}

async function proceedAuth(credentials: Credentials | SyntaxFault, state: State, service: Service): Promise<Step> {
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
