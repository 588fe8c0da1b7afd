import { type Reply, reply } from '../../standards/smtp/reply.ts'
import type { Secret } from '../../standards/secret.ts'
import type { Log } from '../../platform/log.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { Gate, Session, Transaction } from './gate.ts'
import type { ListenerOptions, Patience } from './options.ts'

/** Where a conversation stands: replaced, never changed, by each step. */
export type State = {
  readonly session: Session
  readonly transaction: Transaction | null
  /** RCPT commands in this transaction, refused ones too. */
  readonly recipientsAsked: number
  /** What the client hears for each recipient over the limit: it is judged once per transaction. */
  readonly overflow: Reply | null
  readonly authFailures: number
}

/** What a listener lends to its conversations. */
export type Service = {
  readonly options: ListenerOptions
  readonly patience: Patience
  readonly hostname: Domain
  readonly gate: Gate
  readonly log: Log
}

/** What a verb answers with. It never touches the socket: the loop says the reply and does what comes next. */
export type Step = {
  readonly reply: Reply
  readonly state: State
  readonly next: Next
  /** How it counts against the client's patience account. */
  readonly weight: 'progress' | 'idle' | 'error' | 'accepted'
}

export type Next =
  | 'command'
  | 'data'
  | 'starttls'
  | 'close'
  /** A line that is no command: the client's answer to a 334. */
  | { readonly answer: (line: Secret<string>) => Promise<Step> }

export function newState(session: Session): State {
  return { session, ...noTransaction, authFailures: 0 }
}

/** What RSET, EHLO and the end of DATA leave of a transaction (RFC 5321 §4.1.4). */
export const noTransaction = { transaction: null, recipientsAsked: 0, overflow: null } as const

export function progress(answer: Reply, state: State, next: Next = 'command'): Step {
  return { reply: answer, state, next, weight: 'progress' }
}

export function idle(answer: Reply, state: State): Step {
  return { reply: answer, state, next: 'command', weight: 'idle' }
}

export function refuse(
  state: State,
  code: number,
  enhanced: string,
  text: string,
  next: 'command' | 'close' = 'command',
): Step {
  return { reply: reply(code, enhanced, text), state, next, weight: 'error' }
}
