import { claimed } from '../../../standards/claim.ts'
import type { Command } from '../../../standards/smtp/command.ts'
import { reply } from '../../../standards/smtp/reply.ts'
import { askGate } from '../ask-gate.ts'
import type { Transaction } from '../gate.ts'
import { type Service, type State, type Step, progress, refuse } from '../step.ts'

type Mail = Command & { verb: 'MAIL' }

/** MAIL (RFC 5321 §4.1.1.2) opens a transaction. */
export async function mail(command: Mail, state: State, service: Service): Promise<Step> {
  const refused = checkMail(command, state, service)
  if (refused !== null) return refused
  const { size } = command.parameters
  const { limits, budget } = service.options
  const transaction = transactionOf(command)
  if (size !== null && size > limits.maxMessageBytes) {
    const fault = { kind: 'message-too-big', limit: limits.maxMessageBytes } as const
    const heard = await askGate(service, 'size', () => service.gate.onFault(state.session, transaction, fault))
    return { ...progress(heard, state), weight: 'error' }
  }
  if (!budget.bytes.hasRoomFor(size ?? 0)) {
    return refuse(state, 452, '4.3.1', 'too much mail is in flight, please try again')
  }
  const heard = await askGate(service, 'MAIL', () => service.gate.onMail(state.session, transaction))
  if (heard !== null) return { ...progress(heard, state), weight: 'error' }
  return progress(reply(250, '2.1.0', 'sender ok'), { ...state, transaction, recipientsAsked: 0, overflow: null })
}

function checkMail(command: Mail, state: State, service: Service): Step | null {
  if (state.session.greeting === null) return refuse(state, 503, '5.5.1', 'say EHLO first')
  if (service.options.requireTls && state.session.tls === null) {
    return refuse(state, 530, '5.7.0', 'say STARTTLS first')
  }
  if (state.transaction !== null) return refuse(state, 503, '5.5.1', 'a transaction is open already')
  if (command.path.kind === 'literal') {
    return refuse(state, 550, '5.1.8', 'a sender at an address literal is not accepted')
  }
  return null
}

function transactionOf({ path, parameters }: Mail): Transaction {
  return {
    reversePath: path.kind === 'mailbox' ? path.mailbox : null,
    parameters: { ...parameters, xoorg: parameters.xoorg === null ? null : claimed(parameters.xoorg, 'envelope') },
    forwardPaths: [],
  }
}
