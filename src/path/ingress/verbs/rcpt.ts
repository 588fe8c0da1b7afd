import type { Command } from '../../../standards/smtp/command.ts'
import { reply } from '../../../standards/smtp/reply.ts'
import { askGate } from '../ask-gate.ts'
import type { ForwardPath, Transaction } from '../gate.ts'
import { type Service, type State, type Step, progress, refuse } from '../step.ts'

type Rcpt = Command & { verb: 'RCPT' }

/** RCPT (RFC 5321 §4.1.1.3) adds a recipient. */
export async function rcpt(command: Rcpt, state: State, service: Service): Promise<Step> {
  const { transaction } = state
  if (transaction === null) return refuse(state, 503, '5.5.1', 'say MAIL first')
  const asked = { ...state, recipientsAsked: state.recipientsAsked + 1 }
  // RFC 5321 §4.5.3.1.10: a client splits on 452, so some are over the limit in good faith; nobody means a multitude.
  if (asked.recipientsAsked > 10 * service.options.limits.maxRecipients + 100) {
    return refuse(asked, 421, '4.7.0', 'too many recipients were refused', 'close')
  }
  const next = forwardPathOf(command, asked, transaction, service)
  if ('reply' in next) return next
  if (transaction.forwardPaths.length >= service.options.limits.maxRecipients) {
    return overflow(asked, transaction, service)
  }
  const heard = await askGate(service, 'RCPT', () => service.gate.onRcpt(state.session, transaction, next))
  if (heard !== null) return progress(heard, asked)
  const grown = { ...transaction, forwardPaths: [...transaction.forwardPaths, next] }
  return progress(reply(250, '2.1.5', 'recipient ok'), { ...asked, transaction: grown })
}

function forwardPathOf(command: Rcpt, state: State, transaction: Transaction, service: Service): ForwardPath | Step {
  const { path, parameters } = command
  switch (path.kind) {
    case 'literal':
      return refuse(state, 550, '5.1.2', 'mail to an address literal is not relayed')
    case 'postmaster':
      return { mailbox: { localPart: 'postmaster', domain: service.hostname }, ...parameters }
    case 'mailbox': {
      const needsUtf8 = path.international || !isAscii(parameters.orcpt ?? '')
      if (needsUtf8 && !transaction.parameters.smtputf8) {
        return refuse(state, 553, '5.6.7', 'the address needs SMTPUTF8 on MAIL')
      }
      return { mailbox: path.mailbox, ...parameters }
    }
  }
}

async function overflow(state: State, transaction: Transaction, service: Service): Promise<Step> {
  const fault = { kind: 'too-many-recipients', limit: service.options.limits.maxRecipients } as const
  const heard =
    state.overflow ??
    (await askGate(service, 'recipients', () => service.gate.onFault(state.session, transaction, fault)))
  return progress(heard, { ...state, overflow: heard })
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
